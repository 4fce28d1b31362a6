// Continue opens the next step on the same page, so that the QR code stays visible. Without script, it is another page.

for (const form of document.querySelectorAll("form[data-step]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const step = document.getElementById(form.dataset.step);
    form.hidden = true;
    step.hidden = false;
    step.querySelector("input:not([type=hidden])").focus();
  });
}
