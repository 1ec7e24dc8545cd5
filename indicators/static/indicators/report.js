// The page of a quarter report works without this. With it, the value follows what is typed (computed by the
// server, never here), the texts that a lag or a notice calls for open, a stock can be filled with what it was
// before, and nothing typed is lost by leaving.
"use strict";

{
  const form = document.getElementById("report-form");
  const problem = document.querySelector(".errornote");
  (problem ?? document.querySelector(".errors"))?.scrollIntoView({ block: "center" });

  // A page that came back with mistakes holds what is not saved yet.
  const unsaved = new Set();
  for (const guarded of document.querySelectorAll("form.guarded")) {
    if ((problem && guarded === form) || guarded.querySelector(".errors")) unsaved.add(guarded);
    guarded.addEventListener("input", () => unsaved.add(guarded));
    guarded.addEventListener("submit", () => unsaved.delete(guarded));
  }
  window.addEventListener("beforeunload", (event) => {
    if (unsaved.size) event.preventDefault();
  });

  if (form) {
    const panel = document.getElementById("value");
    const lag = document.getElementById("lag");
    const check = document.getElementById("check");
    let timer = 0;
    let request = null;

    // Show what the server's answer calls for. Nothing that is open closes: somebody may be typing there.
    const follow = () => {
      for (const words of panel.querySelectorAll(".follows")) {
        const place = document.getElementById(words.value);
        if (place) place.textContent = words.textContent;
      }
      if (!lag) return;
      const behind = Boolean(panel.querySelector("[data-behind]"));
      lag.querySelector(".pill").hidden = !behind;
      if (behind) lag.open = true;
      const notices = panel.querySelectorAll(".notices li");
      check.querySelector(".notices").replaceChildren(...[...notices].map((each) => each.cloneNode(true)));
      if (notices.length) check.open = true;
    };

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
        follow();
      } catch (error) {
        if (error.name !== "AbortError") panel.textContent = form.dataset.silent;
      }
    };

    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(compute, 300);
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
