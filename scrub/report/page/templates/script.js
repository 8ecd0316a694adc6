"use strict";
(() => {
  const root = document.documentElement;

  // Light and dark: the reader's choice over the system's, kept where that is allowed.
  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("scrub-theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("scrub-theme", theme); } catch { /* a file may not */ } };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const told = () => { toggle.textContent = dark() ? "Light page" : "Dark page"; };
  if (["light", "dark"].includes(kept())) root.dataset.theme = kept();
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    keep(root.dataset.theme);
    told();
  });
  system.addEventListener("change", told);
  told();

  // On paper it is light, and nothing is folded away.
  let before = null;
  addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, folded: [...document.querySelectorAll("details:not([open])")] };
    root.dataset.theme = "light";
    for (const one of before.folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    if (before.theme) root.dataset.theme = before.theme; else delete root.dataset.theme;
    for (const one of before.folded) one.open = false;
    before = null;
  });

  // Tables: a button in each title; the order of the rows is said by aria-sort.
  const spoken = document.getElementById("spoken");
  const order = (table, column, down) => {
    const value = (row) => {
      const key = row.cells[column].dataset.key;
      const number = row.cells[column].dataset.number;
      return number !== undefined ? Number(number) : key;
    };
    const rows = [...table.tBodies[0].rows];
    const place = new Map(rows.map((row, i) => [row, i]));
    rows.sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === undefined || y === undefined) {
        return (x === undefined) - (y === undefined) || place.get(a) - place.get(b);
      }
      const by = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
      return (down ? -by : by) || place.get(a) - place.get(b);
    });
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const th of table.tHead.rows[0].cells) {
      const title = th.textContent.trim();
      if (!title || table.tBodies[0].rows.length < 2) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      if (th.title) { button.title = th.title; }
      th.append(button);
      button.addEventListener("click", () => {
        const down = th.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        order(table, th.cellIndex, down);
        spoken.textContent = `Sorted by ${title}, ${down ? "descending" : "ascending"}.`;
      });
    }
  }

  // What scrolls sideways can be reached by the keyboard.
  const reach = () => {
    for (const one of document.querySelectorAll(".scroll")) {
      if (one.scrollWidth > one.clientWidth + 1) one.tabIndex = 0; else one.removeAttribute("tabindex");
    }
  };
  // A drawing that is wider than the window is shown from its middle on.
  for (const one of document.querySelectorAll(".graph .scroll")) {
    one.scrollLeft = (one.scrollWidth - one.clientWidth) / 2;
  }
  addEventListener("resize", reach);
  addEventListener("toggle", reach, true);
  reach();

  // A link into what is folded opens it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  for (const pre of document.querySelectorAll("pre[data-copy]")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(pre);
        button.textContent = "Selected";
      }
    });
    pre.parentElement.append(button);
  }
})();
