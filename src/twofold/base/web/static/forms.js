// Small conveniences for every form. Forms also work without them.

// Hidden buttons appear only where they work.
const wake = (selector, act) => {
  for (const button of document.querySelectorAll(selector)) {
    button.hidden = false;
    button.addEventListener("click", () => act(button));
  }
};

const show = (button, shown) => {
  document.getElementById(button.dataset.reveal).type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", shown);
};

const copy = async (button) => {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  await navigator.clipboard.writeText("copyBare" in button.dataset ? text.replace(/\s/g, "") : text);
  const words = button.querySelector("span");
  const before = words.textContent;
  words.textContent = button.dataset.done;
  setTimeout(() => { words.textContent = before; }, 3000);
};

wake("[data-reveal]", (button) => show(button, button.getAttribute("aria-pressed") !== "true"));
wake("[data-print]", () => window.print());
if (navigator.clipboard) wake("[data-copy]", copy);

// A form is sent only once, and with its passwords hidden, so that browsers do not remember them as plain text.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (sent.has(form)) return event.preventDefault();
  for (const button of form.querySelectorAll("[data-reveal]")) show(button, false);
  if (form.method === "post" && !("again" in form.dataset)) sent.add(form);
});
// The back button may restore the page as it was left.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// The checkbox to trust this computer keeps its state when the method changes; any other page resets it.
// Instances on one host share this storage, so the key names ours.
const trustKey = `twofold-trust-${document.documentElement.dataset.instance}`;
const trust = document.getElementById("trust_this_computer");
let storage;
try { storage = sessionStorage; } catch { /* The browser blocks cookies, and storage with them. */ }
if (trust) {
  trust.checked ||= storage?.getItem(trustKey) === "yes";
  trust.addEventListener("change", () => storage?.setItem(trustKey, trust.checked ? "yes" : ""));
} else {
  storage?.removeItem(trustKey);
}

document.getElementById("error-summary")?.focus();
// Screen readers announce changes, not what was on the page from the start, so the success message is inserted again.
for (const note of document.querySelectorAll("[role=status] > div")) {
  setTimeout(() => note.append(...note.childNodes), 500);
}
