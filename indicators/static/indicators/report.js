// The page of a quarter report works without this. With it, the value follows what is typed (computed by the
// server, never here), a stock can be filled with what it was before, and nothing typed is lost by leaving.
"use strict";

{
  const form = document.getElementById("report-form");
  const problem = document.querySelector(".errornote");
  if (problem) problem.scrollIntoView({ block: "center" });
  if (form) {
    const panel = document.getElementById("value");
    // A page that came back with mistakes holds what is not saved yet.
    let unsaved = Boolean(problem);
    let timer = 0;
    let request = null;

    const compute = async () => {
      request?.abort();
      const mine = (request = new AbortController());
      try {
        const response = await fetch(form.dataset.valueUrl, {
          method: "POST",
          body: new FormData(form),
          credentials: "same-origin",
          redirect: "error",
          signal: mine.signal,
        });
        if (!response.ok) throw new Error(String(response.status));
        panel.innerHTML = await response.text();
      } catch (error) {
        if (error.name !== "AbortError") panel.textContent = form.dataset.silent;
      }
    };

    form.addEventListener("input", () => {
      unsaved = true;
      clearTimeout(timer);
      timer = setTimeout(compute, 300);
    });
    form.addEventListener("submit", () => {
      unsaved = false;
    });
    window.addEventListener("beforeunload", (event) => {
      if (unsaved) event.preventDefault();
    });
    for (const button of form.querySelectorAll("button.same")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const input = document.getElementById(button.dataset.field);
        input.value = button.dataset.value;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.focus();
      });
    }
  }
}
