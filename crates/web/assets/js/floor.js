// <floor-map>: one stop for the Tab key; the arrows go to the nearest bin in their direction.

const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

customElements.define(
  "floor-map",
  class extends HTMLElement {
    connectedCallback() {
      this.bins = [...this.querySelectorAll("a")];
      this.bins.forEach((bin, index) => bin.setAttribute("tabindex", index ? "-1" : "0"));
      this.removeAttribute("tabindex");
      this.addEventListener("keydown", (event) => this.#pressed(event));
    }

    #pressed(event) {
      const step = STEP[event.key];
      const from = event.target.closest("a");
      if (!step || !from) return;
      event.preventDefault();
      const to = this.#nearest(from, step);
      if (!to) return;
      from.setAttribute("tabindex", "-1");
      to.setAttribute("tabindex", "0");
      to.focus();
      to.scrollIntoView({ block: "nearest", inline: "nearest" });
    }

    #nearest(from, [dx, dy]) {
      const middle = (bin) => {
        const box = bin.firstElementChild.nextElementSibling;
        return [Number(box.getAttribute("x")) + box.getAttribute("width") / 2, Number(box.getAttribute("y")) + box.getAttribute("height") / 2];
      };
      const [x, y] = middle(from);
      let best = null;
      let least = Infinity;
      for (const bin of this.bins) {
        const [a, b] = middle(bin);
        const along = (a - x) * dx + (b - y) * dy;
        const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
        // Straight on counts three times as much as sideways.
        const far = along + aside * 3;
        if (along > 1 && far < least) {
          least = far;
          best = bin;
        }
      }
      return best;
    }
  },
);
