// The worksheet works without this. With it, the grid is moved through and pasted into like a spreadsheet, the
// values follow what is typed (computed by the server, never here), and nothing typed is lost by leaving or by
// being signed out.
"use strict";

{
  const form = document.getElementById("worksheet_form");
  const inputs = [...form.querySelectorAll("[data-cell], [data-text]")];
  const state = form.elements.state;
  const unsaved = document.getElementById("unsaved");
  const told = document.getElementById("told");
  const say = (words, values = {}) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const visible = (element) => !element.closest("details:not([open])");
  let leaving = false;

  // -- What is not saved yet

  const loaded = (input) => {
    if ("was" in input.dataset) return input.dataset.was;
    if (input.tagName !== "SELECT") return input.defaultValue;
    return [...input.options].find((option) => option.defaultSelected)?.value ?? "";
  };
  const dirty = () => inputs.filter((input) => input.value !== loaded(input));

  const count = () => {
    const changed = new Set(dirty());
    for (const input of inputs) input.classList.toggle("dirty", changed.has(input));
    unsaved.textContent = changed.size
      ? say(form.dataset.count, { number: changed.size })
      : form.dataset.nothing;
    unsaved.classList.toggle("waiting", changed.size > 0);
    return [...changed];
  };

  // -- What is kept in this browser until it is saved: by person, sheet and window

  const mine = `worksheet ${form.dataset.person} `;
  const here = `${mine}${location.pathname}${location.search} `;
  const token = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const keys = (beginning) => Object.keys(localStorage).filter((key) => key.startsWith(beginning));

  const keep = (changed) => {
    try {
      if (!changed.length) return localStorage.removeItem(here + token);
      const cells = Object.fromEntries(changed.map((input) => [input.name, input.value]));
      localStorage.setItem(here + token, JSON.stringify({ at: Date.now(), state: state.value, cells }));
    } catch {
      // A browser without storage, or a full one: the page works, it only cannot remember.
    }
  };

  const put = (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const restore = (kept) => {
    // With what the page held of these cells then, so that what others changed in them since is found out when
    // this is saved. Of all others it holds what it shows now.
    const held = JSON.parse(state.value);
    const then = JSON.parse(kept.state).was;
    for (const name of Object.keys(kept.cells)) if (name in then) held.was[name] = then[name];
    state.value = JSON.stringify(held);
    for (const [name, value] of Object.entries(kept.cells)) {
      const input = form.elements[name];
      if (!input) continue;
      for (let fold = input; (fold = fold.parentElement.closest("details")); ) fold.open = true;
      put(input, value);
    }
  };

  const lost = (kept) =>
    Object.entries(kept.cells).filter(([name]) => !form.elements[name]).map(([, value]) => value);

  const offer = (key) => {
    const kept = JSON.parse(localStorage.getItem(key));
    const box = document.getElementById("kept");
    const moment = new Date(kept.at).toLocaleString(document.documentElement.lang);
    box.querySelector("[data-words]").textContent = say(form.dataset.kept, {
      number: Object.keys(kept.cells).length,
      moment,
    });
    box.hidden = false;
    const done = () => {
      localStorage.removeItem(key);
      box.hidden = true;
      offerNext();
    };
    box.querySelector("[data-discard]").onclick = done;
    box.querySelector("[data-restore]").onclick = () => {
      const leftover = lost(kept);
      restore(kept);
      done();
      if (leftover.length) told.textContent = say(form.dataset.leftover, { cells: leftover.join(" · ") });
    };
  };

  const offerNext = () => {
    const key = keys(here).filter((each) => each !== here + token).sort().pop();
    if (key) offer(key);
  };

  const remember = () => {
    try {
      // What somebody else left in this browser is nobody's business.
      for (const key of keys("worksheet ")) if (!key.startsWith(mine)) localStorage.removeItem(key);
      if (form.dataset.saved) localStorage.removeItem(here + form.dataset.saved);
      // A page that came back holds what was typed: what was kept of it is kept anew.
      const before = sessionStorage.getItem(here);
      if ("bound" in form.dataset && before) localStorage.removeItem(here + before);
      sessionStorage.setItem(here, token);
      offerNext();
    } catch {
      // See keep.
    }
  };

  // -- What the typed figures come to

  let timer = 0;
  let request = null;

  const ask = async () => {
    request?.abort();
    request = new AbortController();
    const sections = new Set(dirty().concat(touched).map((input) => input.closest("[data-section]")));
    touched = [];
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    for (const input of inputs) {
      if (sections.has(input.closest("[data-section]"))) body.append(input.name, input.value);
    }
    try {
      const response = await fetch(form.dataset.valueUrl, {
        method: "POST",
        body,
        credentials: "same-origin",
        redirect: "manual",
        signal: request.signal,
      });
      if (response.type === "opaqueredirect") {
        told.textContent = form.dataset.signedOut;
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      show(await response.json());
      if ([form.dataset.silent, form.dataset.signedOut].includes(told.textContent)) told.textContent = "";
    } catch (error) {
      if (error.name !== "AbortError") told.textContent = form.dataset.silent;
    }
  };

  const show = (answer) => {
    for (const [id, html] of Object.entries(answer.pieces)) {
      const place = document.getElementById(id);
      if (place && place.innerHTML !== html) place.innerHTML = html;
    }
    for (const input of inputs) {
      const problem = document.getElementById(`m-${input.name}`)?.querySelector(".problem");
      if (problem) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    for (const id of answer.open) document.getElementById(id)?.setAttribute("open", "");
  };

  // Typing on after a conflict is choosing: whoever changes the value keeps their own.
  const choose = (input) => {
    const [theirs, own] = form.querySelectorAll(`[data-for="${input.name}"]`);
    if (!theirs) return;
    theirs.checked = input.value === theirs.dataset.value;
    own.checked = !theirs.checked;
  };

  let touched = []; // typed into, though perhaps back to what it was
  const keepAll = () => {
    keeping = false;
    keep(count());
  };
  let keeping = false; // a pasted block is many inputs at once
  const typed = (event) => {
    if (!keeping) queueMicrotask(keepAll);
    keeping = true;
    if (!inputs.includes(event.target)) return;
    touched.push(event.target);
    choose(event.target);
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  };

  // -- Keys

  const column = (input) => {
    const kind = input.matches("[data-cell]") ? "[data-cell]" : "[data-text]";
    return inputs.filter((each) => each.matches(kind) && visible(each));
  };

  const move = (input, steps) => {
    const there = column(input);
    const next = there[there.indexOf(input) + steps];
    if (!next) return false;
    next.focus();
    next.select?.();
    return true;
  };

  const beside = (input, selector) => {
    const next = input.closest("table")?.querySelector(selector);
    if (!next || next === input) return false;
    next.focus();
    return true;
  };
  const REMARK = "td.remark [data-text]";

  // A select has no text, and one that is wholly chosen was only moved to.
  const at = (input, edge) => {
    if (input.tagName === "SELECT") return true;
    const { selectionStart: start, selectionEnd: end, value } = input;
    return (start === edge && end === edge) || (start === 0 && end === value.length && input.tagName === "INPUT");
  };
  const atStart = (input) => at(input, 0);
  const atEnd = (input) => at(input, input.value.length);

  const ANSWERS = { 1: "1", y: "1", Y: "1", 0: "0", n: "0", N: "0", Delete: "", Backspace: "" };

  const pressed = (event) => {
    const input = event.target;
    if (!input.matches("[data-cell], [data-text]") || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const long = input.tagName === "TEXTAREA";
    let done = false;
    if (event.key === "Enter" && !long) {
      move(input, event.shiftKey ? -1 : 1);
      done = true; // and never submits the form
    } else if (event.key === "ArrowDown" && (!long || atEnd(input))) done = move(input, 1) || !long;
    else if (event.key === "ArrowUp" && (!long || atStart(input))) done = move(input, -1) || !long;
    else if (event.key === "ArrowRight" && !event.shiftKey && atEnd(input)) done = beside(input, REMARK);
    else if (event.key === "ArrowLeft" && !event.shiftKey && atStart(input)) done = beside(input, "[data-cell]");
    else if (event.key === "Escape" && input.value !== loaded(input)) {
      put(input, loaded(input));
      input.select?.();
      done = true;
    } else if (input.tagName === "SELECT" && event.key in ANSWERS) {
      put(input, ANSWERS[event.key]);
      done = true;
    }
    if (done) event.preventDefault();
  };

  // -- A block of cells from a spreadsheet

  // Rows of cells: a cell with a line break, a tab or a quote comes in quotes, its own quotes doubled.
  const block = (text) => {
    const cells = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\n|\r|$)/gy;
    const rows = [[]];
    for (let match; cells.lastIndex < text.length && (match = cells.exec(text)); ) {
      const [, quoted, plain, end] = match;
      rows.at(-1).push((quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim());
      if (end && end !== "\t" && cells.lastIndex < text.length) rows.push([]);
    }
    return rows;
  };

  // An answer is pasted by its words or its value; null where it is none.
  const fitting = (input, text) => {
    if (input.tagName !== "SELECT") return text;
    const found = [...input.options].find((option) => [option.value, option.text.trim()].includes(text));
    return found ? found.value : null;
  };

  const pasted = (event) => {
    const start = event.target;
    if (!start.matches("[data-cell]")) return; // a text is a text
    const rows = block(event.clipboardData.getData("text/plain"));
    if (rows.length === 1 && rows[0].length === 1 && start.tagName !== "SELECT") return;
    event.preventDefault();
    // What cannot be typed into keeps its place, so that the rows stay beside those of the spreadsheet.
    const slots = [...form.querySelectorAll("[data-cell], [data-fixed]")].filter(visible);
    const first = slots.indexOf(start);
    const remarks = new Map();
    const leftover = [];
    let filled = 0;
    let empty = 0;
    rows.forEach(([figure, remark = "", ...others], index) => {
      const slot = slots[first + index];
      leftover.push(...others.filter(Boolean));
      if (figure === "") empty += 1;
      else {
        const value = slot?.matches("[data-cell]") ? fitting(slot, figure) : null;
        if (value === null) leftover.push(figure);
        else {
          put(slot, value);
          filled += 1;
        }
      }
      if (!remark) return;
      const text = slot?.closest("table")?.querySelector(REMARK);
      if (text) remarks.set(text, [...(remarks.get(text) ?? []), remark]);
      else leftover.push(remark);
    });
    // The rows of one indicator have one 執行情形 between them.
    for (const [text, lines] of remarks) {
      put(text, lines.join("\n"));
      filled += 1;
    }
    const words = [say(form.dataset.pasted, { number: filled })];
    if (empty) words.push(say(form.dataset.skipped, { number: empty }));
    if (leftover.length) words.push(say(form.dataset.leftover, { cells: leftover.join(" · ") }));
    told.textContent = words.join(" ");
  };

  // -- All of it

  form.addEventListener("input", typed);
  form.addEventListener("keydown", pressed);
  form.addEventListener("paste", pasted);
  form.addEventListener("change", (event) => {
    const choice = event.target;
    if (choice.dataset.for) put(form.elements[choice.dataset.for], choice.dataset.value);
  });
  form.addEventListener("submit", () => {
    leaving = true;
    form.elements.draft.value = token;
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
    count();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && dirty().length) event.preventDefault();
  });
  document.getElementById("problems")?.focus();
  remember();
  keep(count());
}
