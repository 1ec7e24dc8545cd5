// While a file is checked or imported, say so and how long it takes already, and let nobody send it twice. The
// pages work without this.
"use strict";

{
  const forms = [...document.querySelectorAll("form[data-waiting]")];
  const buttons = forms.flatMap((form) => [...form.querySelectorAll("button")]);
  let clock = 0;

  const wait = (form) => {
    const told = form.querySelector("[role=status]");
    const bar = document.createElement("progress");
    const seconds = document.createElement("span");
    bar.setAttribute("aria-label", form.dataset.waiting);
    seconds.setAttribute("aria-hidden", "true"); // read out every second it would drown everything else
    told.replaceChildren(bar, ` ${form.dataset.waiting} `, seconds);
    const began = Date.now();
    clock = setInterval(() => {
      seconds.textContent = told.dataset.elapsed.replace("{seconds}", Math.round((Date.now() - began) / 1000));
    }, 1000);
    for (const button of buttons) button.disabled = true;
  };

  for (const form of forms) form.addEventListener("submit", () => wait(form));

  // A browser that goes back shows the page as it was left.
  addEventListener("pageshow", (shown) => {
    if (!shown.persisted) return;
    clearInterval(clock);
    for (const form of forms) form.querySelector("[role=status]").replaceChildren();
    for (const button of buttons) button.disabled = false;
  });
}
