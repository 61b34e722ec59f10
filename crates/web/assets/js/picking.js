// A pick list by keyboard: j and k choose a line, c confirms it, s reports that less is there.

customElements.define(
  "pick-board",
  class extends HTMLElement {
    #place = 0;
    #keys = (event) => this.#pressed(event);

    connectedCallback() {
      addEventListener("keydown", this.#keys);
      this.addEventListener("focusin", (event) => {
        const card = event.target.closest("[data-pick]");
        if (card) this.#choose(this.#cards.indexOf(card), false);
      });
      // A confirmed line leaves the list; the first that is left is the next on the way.
      const refused = this.#cards.findIndex((card) => card.querySelector("details[open]"));
      this.#choose(Math.max(refused, 0), refused >= 0);
    }

    disconnectedCallback() {
      removeEventListener("keydown", this.#keys);
    }

    get #cards() {
      return [...this.querySelectorAll("[data-pick]")];
    }

    #choose(place, moveFocus) {
      const cards = this.#cards;
      if (!cards.length) return;
      this.#place = Math.min(Math.max(place, 0), cards.length - 1);
      cards.forEach((card, index) => card.classList.toggle("is-current", index === this.#place));
      if (moveFocus) {
        cards[this.#place].focus({ preventScroll: true });
        cards[this.#place].scrollIntoView({ block: "nearest" });
      }
    }

    #pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
      if (event.target.closest?.("input, select, textarea")) return;
      const card = this.#cards[this.#place];
      if (!card) return;
      const key = event.key.toLowerCase();
      if (key === "j" || key === "k") this.#choose(this.#place + (key === "j" ? 1 : -1), true);
      else if (key === "c") card.querySelector('[data-key="c"]')?.click();
      else if (key === "s") {
        const details = card.querySelector("[data-short]");
        if (!details) return;
        details.open = true;
        details.querySelector("[name=picked]").focus();
      } else return;
      event.preventDefault();
    }
  },
);
