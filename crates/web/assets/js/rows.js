// <repeat-rows label="Add a line">: one more row of inputs like the last, empty and with the next number.

customElements.define(
  "repeat-rows",
  class extends HTMLElement {
    connectedCallback() {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button small";
      button.textContent = this.getAttribute("label");
      button.addEventListener("click", () => this.#add(button));
      const holder = document.createElement("div");
      holder.append(button);
      this.append(holder);
    }

    #add(button) {
      const rows = this.querySelectorAll(".row-inputs");
      const last = rows[rows.length - 1];
      const row = last.cloneNode(true);
      row.querySelectorAll(".field-error").forEach((problem) => problem.remove());
      for (const input of row.querySelectorAll("input, select")) {
        input.name = input.name.replace(/\[(\d+)\]/, (_, index) => `[${Number(index) + 1}]`);
        const id = input.id.replace(/-(\d+)-/, (_, index) => `-${Number(index) + 1}-`);
        row.querySelector(`label[for="${input.id}"]`)?.setAttribute("for", id);
        input.id = id;
        input.removeAttribute("aria-invalid");
        input.removeAttribute("aria-describedby");
        if (input.localName === "input") input.value = "";
      }
      last.after(row);
      row.querySelector("input")?.focus();
      button.blur();
    }
  },
);
