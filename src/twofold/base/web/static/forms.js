// Small help for every form; all of them work without it.

// A hidden button appears only where it can do something.
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

// A form goes out once, and with its passwords hidden, so that browsers do not remember them as plain text.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target;
  if (sent.has(form)) return event.preventDefault();
  for (const button of form.querySelectorAll("[data-reveal]")) show(button, false);
  if (form.method === "post" && !("again" in form.dataset)) sent.add(form);
});
// The back button may bring the page back as it was left.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// The tick to trust this computer outlasts a change of the method; on any other page it is forgotten.
const trust = document.getElementById("trust_this_computer");
if (trust) {
  trust.checked ||= sessionStorage.getItem("trust") === "yes";
  trust.addEventListener("change", () => sessionStorage.setItem("trust", trust.checked ? "yes" : ""));
} else {
  sessionStorage.removeItem("trust");
}

document.getElementById("error-summary")?.focus();
// A screen reader speaks of what changes, not of what was there from the start: so what was done is said again.
for (const note of document.querySelectorAll("[role=status] > div")) {
  setTimeout(() => note.append(...note.childNodes), 500);
}
