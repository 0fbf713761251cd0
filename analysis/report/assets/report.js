/* Tabs, selectors and downloads of the report. */
"use strict";

(() => {
  const data = window.REPORT;
  const { charts } = data;
  const root = document.documentElement;
  const drawn = new Set();

  const selectsOf = (name) => [...document.querySelectorAll(`select[data-chart="${name}"]`)];
  const choicesOf = (name) => selectsOf(name).map(
    (select) => `${select.parentElement.firstChild.textContent.trim().toLowerCase()}: ${select.value}`,
  );

  function viewOf(name) {
    const choice = selectsOf(name).map((select) => select.value).join("|");
    return charts[name].views[choice] || { data: [], layout: {} };
  }

  const open = (number, note) => Sparsest.open(number, note, data);

  async function plot(name) {
    const chart = charts[name];
    const view = viewOf(name);
    drawn.add(name);
    await Sparsest.draw(document.getElementById(`plot-${name}`), chart, view, data, open);
    list(name, view);
    // Time of the first plot, for benchmarks.
    if (!root.dataset.firstPlotMs) root.dataset.firstPlotMs = Math.round(performance.now());
  }

  // The same networks as buttons, for users who cannot click a point.
  function list(name, view) {
    const details = document.querySelector(`details.networks[data-chart="${name}"]`);
    const buttons = view.data.flatMap((trace) => (trace.customdata || []).flatMap(([number, note], at) => {
      if (number === null || number === undefined) return [];
      const height = trace.text ? `, ${trace.text[at]}` : typeof trace.y[at] === "string" ? "" : `, ${trace.y[at]}`;
      const text = `${trace.name}: ${trace.x[at]}${height}`;
      const onclick = () => open(number, note);
      return [Sparsest.make("li", {}, Sparsest.make("button", { type: "button", title: note, onclick }, text))];
    }));
    details.hidden = buttons.length === 0;
    details.querySelector("ul").replaceChildren(...buttons);
  }

  const tabs = [...document.querySelectorAll('[role="tab"]')];

  async function show(tab) {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    for (const figure of panel.querySelectorAll("figure")) {
      if (panel.hidden) return;
      if (charts[figure.dataset.chart]) await plot(figure.dataset.chart);
      // Let the browser show this plot before the next one is drawn.
      await new Promise((resolve) => { setTimeout(resolve); });
    }
  }

  const tabOfAddress = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);

  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => {
      history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
      show(tab);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(index + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  }
  window.addEventListener("hashchange", () => { const tab = tabOfAddress(); if (tab) show(tab); });

  for (const button of document.querySelectorAll("button[data-format]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.chart;
      Sparsest.download(name, charts[name], viewOf(name), data, choicesOf(name), button.dataset.format);
    });
  }

  for (const select of document.querySelectorAll("select")) {
    select.addEventListener("change", () => plot(select.dataset.chart));
  }

  Sparsest.onPaint(() => {
    for (const name of drawn) {
      // A hidden plot has no size; it is drawn when its tab is opened.
      if (document.getElementById(`plot-${name}`).offsetParent) plot(name);
    }
  });
  show(tabOfAddress() || tabs[0]);
})();
