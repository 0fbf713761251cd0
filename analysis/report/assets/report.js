/* Tabs, choices, colours and the networks behind the points. The plots themselves are plotly's. */
"use strict";

(() => {
  const { charts, styles, networks } = window.REPORT;
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const drawn = new Set();

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const colourOf = (style) => (styles[style] || styles.guide)[isDark() ? "dark" : "light"];
  const cssColour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // A file's page may have no storage, depending on the browser.
  function remember(theme) {
    try { localStorage.setItem("sparsest-theme", theme); } catch { /* the choice lasts for this page */ }
  }
  function remembered() {
    try { return localStorage.getItem("sparsest-theme"); } catch { return null; }
  }

  function painted(trace) {
    const colour = colourOf(trace.meta);
    const copy = { ...trace };
    if (trace.fill) {
      copy.fillcolor = colour + "2e";
      return copy;
    }
    copy.line = { ...trace.line, color: colour };
    copy.marker = { ...trace.marker, color: colour };
    for (const bar of ["error_x", "error_y"]) {
      if (trace[bar]) copy[bar] = { ...trace[bar], color: colour };
    }
    return copy;
  }

  function layoutOf(chart, view) {
    const axis = (name) => ({
      ...chart.layout[name], ...(view.layout[name] || {}),
      gridcolor: cssColour("--line"), linecolor: cssColour("--line"), zeroline: false,
    });
    return {
      xaxis: axis("xaxis"),
      yaxis: axis("yaxis"),
      shapes: (view.layout.shapes || []).map((shape) => ({
        ...shape, line: { ...shape.line, color: colourOf(shape.name) },
      })),
      annotations: (view.layout.annotations || []).map((text) => ({
        ...text, font: { ...text.font, color: cssColour("--muted") },
      })),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: cssColour("--text"), size: 13 },
      hoverlabel: { bgcolor: cssColour("--card"), font: { color: cssColour("--text") } },
      hovermode: "closest",
      showlegend: chart.layout.showlegend,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: cssColour("--muted"), activecolor: cssColour("--accent") },
      margin: { l: 55, r: 15, t: 25, b: 50 },
      legend: narrow.matches
        ? { orientation: "h", y: -0.2, yanchor: "top", font: { size: 12 } }
        : { font: { size: 13 } },
    };
  }

  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "sendDataToCloud"],
    toImageButtonOptions: { format: "svg" },
  };

  function choiceOf(name) {
    const selects = [...document.querySelectorAll(`select[data-chart="${name}"]`)];
    return selects.map((select) => select.value).join("|");
  }

  async function plot(name) {
    const chart = charts[name];
    const view = chart.views[choiceOf(name)] || { data: [], layout: {} };
    const place = document.getElementById(`plot-${name}`);
    const isNew = !drawn.has(name);
    drawn.add(name);
    await Plotly.react(place, view.data.map(painted), layoutOf(chart, view), config);
    if (isNew) place.on("plotly_click", ({ points }) => open(points[0].customdata?.[0]));
    list(name, view);
    // When the first plot was there, for whoever measures it.
    if (!root.dataset.firstPlotMs) root.dataset.firstPlotMs = Math.round(performance.now());
  }

  // The same networks as buttons, for whoever cannot click a point.
  function list(name, view) {
    const details = document.querySelector(`details.networks[data-chart="${name}"]`);
    const buttons = view.data.flatMap((trace) => (trace.customdata || []).flatMap(([number], at) => {
      if (number === null || number === undefined) return [];
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const height = trace.text ? `, ${trace.text[at]}` : typeof trace.y[at] === "string" ? "" : `, ${trace.y[at]}`;
      button.textContent = `${trace.name}: ${trace.x[at]}${height}`;
      button.addEventListener("click", () => open(number));
      item.append(button);
      return [item];
    }));
    details.hidden = buttons.length === 0;
    details.querySelector("ul").replaceChildren(...buttons);
  }

  const dialog = document.getElementById("network");

  function open(number) {
    if (number === null || number === undefined) return;
    const network = networks[number];
    document.getElementById("network-title").textContent = network.label;
    const drawing = document.getElementById("network-drawing");
    if (network.file) {
      const image = document.createElement("img");
      image.src = network.file;
      image.alt = `Drawing of the network ${network.label}: `
        + network.facts.map(([name, value]) => `${name} ${value}`).join(", ");
      drawing.replaceChildren(image);
    } else {
      const reason = document.createElement("p");
      reason.className = "nothing";
      reason.textContent = `Not drawn: ${network.reason}.`;
      drawing.replaceChildren(reason);
    }
    document.getElementById("network-facts").replaceChildren(...network.facts.map(([name, value]) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = value;
      pair.append(term, detail);
      return pair;
    }));
    document.getElementById("network-command").textContent = network.command;
    dialog.showModal();
  }

  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

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
      // One plot is seen before the next one is drawn.
      await new Promise((resolve) => { setTimeout(resolve); });
    }
  }

  const ofAddress = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);

  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => {
      history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
      show(tab);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(place + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  }
  window.addEventListener("hashchange", () => { const tab = ofAddress(); if (tab) show(tab); });

  for (const select of document.querySelectorAll("select")) {
    select.addEventListener("change", () => plot(select.dataset.chart));
  }

  const button = document.getElementById("theme");

  function paint() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(isDark()));
    for (const name of drawn) {
      // A hidden plot has no size; it is painted when its tab is opened.
      if (document.getElementById(`plot-${name}`).offsetParent) plot(name);
    }
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    paint();
  });
  dark.addEventListener("change", paint);
  narrow.addEventListener("change", paint);

  const theme = remembered();
  if (theme) root.dataset.theme = theme;
  paint();
  show(ofAddress() || tabs[0]);
})();
