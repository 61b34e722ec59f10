// <import-form>: shows the columns of the chosen kind only, and offers the file's own header for each of them.

const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "");

async function headerOf(file) {
  let stream = file.stream();
  if (file.name.endsWith(".gz")) stream = stream.pipeThrough(new DecompressionStream("gzip"));
  else if (file.name.endsWith(".zst")) return [];
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n") && text.length < 65_536) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel().catch(() => {});
  const line = text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0];
  const separator = [",", ";", "\t"].sort((a, b) => line.split(b).length - line.split(a).length)[0];
  return line.split(separator).map((name) => name.trim().replace(/^"|"$/g, "")).filter(Boolean);
}

customElements.define(
  "import-form",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("change", (event) => {
        if (event.target.name === "kind") this.#showKind();
        if (event.target.type === "file") this.#offer(event.target.files[0]);
      });
      const wanted = new URLSearchParams(location.search).get("kind");
      if (wanted) this.querySelectorAll("input[name=kind]").forEach((radio) => (radio.checked = radio.value === wanted));
      this.#showKind();
    }

    get #kind() {
      return this.querySelector("input[name=kind]:checked")?.value;
    }

    #showKind() {
      for (const part of this.querySelectorAll("[data-kind]")) {
        part.hidden = part.dataset.kind !== this.#kind;
        part.disabled = part.hidden;
      }
    }

    async #offer(file) {
      if (!file) return;
      const names = await headerOf(file).catch(() => []);
      const list = this.querySelector("datalist");
      list.replaceChildren(...names.map((name) => new Option(name, name)));
      for (const input of this.querySelectorAll("[data-column]")) {
        if (input.value) continue;
        const ours = plain(input.dataset.column);
        const same = names.find((name) => plain(name) === ours);
        // What has our name already needs no entry; a column that differs only in case or dashes does.
        if (same && same !== input.dataset.column) input.value = same;
      }
    }
  },
);
