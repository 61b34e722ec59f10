// What every page gains from a script. Nothing here is needed to use the page.

const usedPointer = { last: false };
addEventListener("pointerdown", () => (usedPointer.last = true), true);
addEventListener("keydown", () => (usedPointer.last = false), true);

const isTyping = (target) => target.closest?.("input, select, textarea, [contenteditable]") !== null;

function focusProblem(root = document) {
  root.querySelector("[data-focus]")?.focus();
}

// "/" goes to the page's search field, as on most sites that have one.
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const search = document.querySelector("input[data-search]");
  if (search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// A filter acts at once for the mouse; with the keyboard one may pass several values before the wanted one.
addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]") && usedPointer.last) event.target.form.requestSubmit();
});

function ask(text, verb) {
  const dialog = document.createElement("dialog");
  dialog.className = "popover";
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "form";
  const question = document.createElement("p");
  question.textContent = text;
  const actions = document.createElement("div");
  actions.className = "form-actions";
  for (const [label, value, look] of [[verb, "yes", "primary"], ["Cancel", "", "quiet"]]) {
    const button = document.createElement("button");
    button.className = `button ${look}`;
    button.value = value;
    button.textContent = label;
    actions.append(button);
  }
  form.append(question, actions);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  const button = event.submitter;
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    if (await ask(form.dataset.confirm, button?.textContent.trim() || "Continue")) {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
    }
    return;
  }
  if (form.method !== "post") return;
  form.dataset.sent = "yes";
  button?.setAttribute("aria-busy", "true");
});

// The page may come back from the history as it was left.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    delete form.dataset.confirmed;
  }
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// The same words as the server's filter for times.
function relative(at, now) {
  const apart = Math.abs(now - at) / 1000;
  let amount;
  if (apart < 45) return "just now";
  if (apart < 3600) amount = `${Math.max(1, Math.floor(apart / 60))} min`;
  else if (apart < 36 * 3600) amount = `${Math.floor(apart / 3600)} h`;
  else if (apart < 14 * 86400) amount = `${Math.floor((apart / 3600 + 12) / 24)} days`;
  else return null;
  return at > now ? `in ${amount}` : `${amount} ago`;
}

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const words = relative(Date.parse(time.dateTime), Date.now());
    if (words && time.textContent !== words) time.textContent = words;
  }
}, 20_000);

customElements.define(
  "copy-text",
  class extends HTMLElement {
    connectedCallback() {
      if (!navigator.clipboard || this.querySelector("button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(this.querySelector("output").textContent.trim());
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      });
      this.append(button);
    }
  },
);

focusProblem();
