// <live-region id events="inventory.stock.changed …" every="2000">: shows what changed on the server without a reload.
// `events` are the kinds that concern it; `every` asks again after so many milliseconds, until the server leaves it out.

const regions = new Set();
let source = null;

function open() {
  if (source || document.hidden || !regions.size) return;
  source = new EventSource("/events");
  const kinds = new Set([...regions].flatMap((region) => region.kinds));
  for (const kind of kinds) {
    source.addEventListener(kind, () => regions.forEach((region) => region.kinds.includes(kind) && region.soon()));
  }
  // The server skipped events that this page was too slow for.
  source.addEventListener("reload", () => regions.forEach((region) => region.soon()));
}

function close() {
  source?.close();
  source = null;
}

// A hidden page holds no connection: a browser allows only six to one server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return close();
  open();
  regions.forEach((region) => region.soon());
});
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());

const keyOf = (details, place) => `${details.closest("[id]")?.id ?? ""}/${place}`;

class LiveRegion extends HTMLElement {
  #timer = 0;
  #due = Infinity;
  #isLoading = false;
  #isStale = false;
  #isOvertaken = false;

  connectedCallback() {
    regions.add(this);
    close();
    open();
    this.#repeat();
    this.addEventListener("focusout", () => this.#isStale && this.soon());
    this.addEventListener("toggle", () => this.#isStale && this.soon(), true);
  }

  disconnectedCallback() {
    regions.delete(this);
    clearTimeout(this.#timer);
    if (!regions.size) close();
  }

  get kinds() {
    return (this.getAttribute("events") ?? "").split(" ").filter(Boolean);
  }

  // Changes come in bursts; one answer serves them all, and a burst that does not end delays it no further.
  soon(after = 350) {
    const due = performance.now() + after;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.#refresh();
    }, after);
  }

  #repeat() {
    const every = Number(this.getAttribute("every"));
    if (every > 0) this.soon(every);
  }

  // Somebody who types or decides is not to lose what is under their hands.
  #isInUse() {
    return this.querySelector(":popover-open, form[data-sent]") !== null || this.querySelector("input:focus, textarea:focus, select:focus") !== null;
  }

  async #refresh() {
    if (document.hidden) return;
    this.#isOvertaken = this.#isLoading;
    if (this.#isLoading) return;
    this.#isStale = this.#isInUse();
    if (this.#isStale) return;
    this.#isLoading = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(this.id);
      if (!fresh) return;
      if (this.#isInUse()) this.#isStale = true;
      else this.#show(fresh);
    } catch {
      // The connection is away for a moment; the next event or the next turn tries again.
    } finally {
      this.#isLoading = false;
      if (this.#isOvertaken) this.soon();
      this.#repeat();
    }
  }

  #show(fresh) {
    const every = fresh.getAttribute("every");
    if (every === null) this.removeAttribute("every");
    else this.setAttribute("every", every);
    const opened = new Map([...this.querySelectorAll("details")].map((details, place) => [keyOf(details, place), details.open]));
    const focused = document.activeElement?.closest?.("[id]")?.id;
    const hadFocus = this.contains(document.activeElement);
    fresh.querySelectorAll("details").forEach((details, place) => {
      const was = opened.get(keyOf(details, place));
      if (was !== undefined) details.open = was;
    });
    this.replaceChildren(...fresh.childNodes);
    if (hadFocus && focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

customElements.define("live-region", LiveRegion);
