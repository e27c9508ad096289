"use strict";
(() => {
  const all = (query, root = document) => Array.from(root.querySelectorAll(query));
  const folds = () => all("details");

  // On paper nothing can be opened.
  let shut = [];
  addEventListener("beforeprint", () => {
    shut = folds().filter((d) => !d.open);
    shut.forEach((d) => { d.open = true; });
  });
  addEventListener("afterprint", () => shut.forEach((d) => { d.open = false; }));

  const bar = document.querySelector("[data-toolbar]");
  const rows = all("[data-kind]");
  const words = new Map();
  const textOf = (row) => {
    if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
    return words.get(row);
  };
  const view = { filter: "all", search: "" };

  const show = () => {
    const wanted = view.search.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const row of rows) {
      const kinds = row.dataset.kind.split(" ");
      const fits = (view.filter === "all" || kinds.includes(view.filter))
        && wanted.every((word) => textOf(row).includes(word));
      row.hidden = !fits;
      if (fits) seen += 1;
    }
    for (const group of all("[data-group]")) {
      const own = all("[data-kind]", group);
      group.hidden = own.length > 0 && own.every((row) => row.hidden);
    }
    for (const chip of all("[data-filter]", bar)) {
      chip.setAttribute("aria-pressed", String(chip.dataset.filter === view.filter));
    }
    const note = bar.querySelector("[data-seen]");
    note.textContent = seen === rows.length ? `${seen} shown` : `${seen} of ${rows.length} shown`;
  };

  const keep = () => {
    const said = new URLSearchParams();
    if (view.filter !== "all") said.set("filter", view.filter);
    if (view.search) said.set("search", view.search);
    try {
      history.replaceState(null, "", said.toString() ? `#${said}` : location.pathname + location.search);
    } catch (_) {
      // A page from a file may not change its address; the view holds all the same.
    }
  };

  const read = () => {
    const fragment = location.hash.slice(1);
    if (/(^|&)(filter|search)=/.test(fragment)) {
      const said = new URLSearchParams(fragment);
      view.filter = said.get("filter") || "all";
      view.search = said.get("search") || "";
      if (!all("[data-filter]", bar).some((c) => c.dataset.filter === view.filter)) view.filter = "all";
      bar.querySelector("input").value = view.search;
    } else if (fragment) {
      const target = document.getElementById(decodeURIComponent(fragment));
      if (target && target.hidden) {
        view.filter = "all";
        view.search = "";
        bar.querySelector("input").value = "";
      }
      if (target instanceof HTMLDetailsElement) target.open = true;
    }
    show();
  };

  if (bar) {
    bar.hidden = false;
    bar.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-filter]");
      if (chip) {
        view.filter = chip.dataset.filter;
        keep();
        show();
      }
      if (event.target.closest("[data-unfold]")) {
        const own = rows.filter((row) => row instanceof HTMLDetailsElement && !row.hidden);
        const open = own.some((row) => !row.open);
        own.forEach((row) => { row.open = open; });
        event.target.closest("[data-unfold]").textContent = open ? "close all" : "open all";
      }
    });
    bar.querySelector("[data-unfold]").hidden = !rows.some((row) => row instanceof HTMLDetailsElement);
    bar.querySelector("input").addEventListener("input", (event) => {
      view.search = event.target.value;
      keep();
      show();
    });
    addEventListener("hashchange", read);
    read();
  }
})();
