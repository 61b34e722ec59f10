// The putaway board by keyboard: j and k choose a recommendation, a, o and r decide it, w tells why.

const REMEMBERED = "entrepot.putaway.place";

customElements.define(
  "putaway-board",
  class extends HTMLElement {
    #place = 0;
    #keys = (event) => this.#pressed(event);

    connectedCallback() {
      addEventListener("keydown", this.#keys);
      this.addEventListener("focusin", (event) => {
        const card = event.target.closest(".recommendation");
        if (card) this.#choose(this.#cards.indexOf(card), false);
      });
      this.addEventListener("submit", () => sessionStorage.setItem(REMEMBERED, String(this.#place)));
      // A decided recommendation leaves the list; the one that takes its place is the next.
      const remembered = sessionStorage.getItem(REMEMBERED);
      const refused = this.#cards.findIndex((card) => card.querySelector("[role=alert]"));
      if (refused >= 0) this.#choose(refused, true);
      else if (remembered !== null) this.#choose(Number(remembered), Number(remembered) > 0);
      else this.#choose(0, false);
    }

    disconnectedCallback() {
      removeEventListener("keydown", this.#keys);
    }

    get #cards() {
      return [...this.querySelectorAll(".recommendation")];
    }

    #choose(place, moveFocus) {
      const cards = this.#cards;
      if (!cards.length) return;
      this.#place = Math.min(Math.max(place, 0), cards.length - 1);
      sessionStorage.setItem(REMEMBERED, String(this.#place));
      cards.forEach((card, index) => card.classList.toggle("is-current", index === this.#place));
      if (moveFocus) {
        cards[this.#place].focus({ preventScroll: true });
        cards[this.#place].scrollIntoView({ block: "nearest" });
      }
    }

    #pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.closest?.("input, select, textarea") || document.querySelector(":popover-open, dialog[open]")) return;
      const card = this.#cards[this.#place];
      if (!card) return;
      const key = event.key.toLowerCase();
      if (key === "j" || key === "k") this.#choose(this.#place + (key === "j" ? 1 : -1), true);
      else if (key === "w") card.querySelector("details[data-why]").open ^= true;
      else if (event.repeat || !["a", "o", "r"].includes(key)) return;
      else card.querySelector(`[data-key="${key}"]`)?.click();
      event.preventDefault();
    }
  },
);
