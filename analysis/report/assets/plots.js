/* What every page of plots has: its colours, plotly's plots in them, and the networks behind points. */
"use strict";

const Sparsest = (() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const cssColour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // A file's page may have no storage, depending on the browser.
  function remember(theme) {
    try { localStorage.setItem("sparsest-theme", theme); } catch { /* the choice lasts for this page */ }
  }
  function remembered() {
    try { return localStorage.getItem("sparsest-theme"); } catch { return null; }
  }

  function painted(trace, colourOf) {
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

  function layoutOf(chart, view, data, colourOf) {
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
      // Where it is given, an enlarged part stays enlarged when the plot is drawn again.
      uirevision: data.uirevision,
      showlegend: chart.layout.showlegend,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: cssColour("--muted"), activecolor: cssColour("--accent") },
      margin: { l: 55, r: 15, t: 25, b: 50 },
      legend: narrow.matches
        ? { orientation: "h", yref: "container", y: 0, yanchor: "bottom", font: { size: 12 } }
        : { font: { size: 13 } },
    };
  }

  const config = {
    responsive: true,
    displaylogo: false,
    // Named one by one: among the others is one that sends the plot to a server.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg" },
  };

  // Draws a view in the place of what is there. `data`: what the page was given; `onPoint` is told a
  // network's number and what the point says of it.
  async function draw(place, chart, view, data, onPoint) {
    const colourOf = (style) => (data.styles[style] || data.styles.guide)[isDark() ? "dark" : "light"];
    const traces = view.data.map((trace) => painted(trace, colourOf));
    await Plotly.react(place, traces, layoutOf(chart, view, data, colourOf), config);
    place.removeAllListeners("plotly_click");
    place.on("plotly_click", ({ points }) => {
      const [number, note] = points[0].customdata || [];
      if (number !== null && number !== undefined) onPoint(number, note);
    });
  }

  const dialog = document.getElementById("network");

  function definition(name, value) {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = name;
    detail.textContent = value;
    pair.append(term, detail);
    return pair;
  }

  // Opens a network of `data`; `note` is what the point that stands for it says.
  function open(number, note, data) {
    const network = data.networks[number];
    const facts = data.facts.map((name, at) => [name, network.facts[at]]).filter(([, value]) => value);
    document.getElementById("network-title").textContent = network.title;
    document.getElementById("network-note").textContent = note;
    const drawing = document.getElementById("network-drawing");
    if (network.file) {
      const image = document.createElement("img");
      image.src = network.file;
      image.alt = `Drawing of the network ${network.title}: `
        + facts.map(([name, value]) => `${name} ${value}`).join(", ");
      drawing.replaceChildren(image);
    } else {
      const reason = document.createElement("p");
      reason.className = "nothing";
      reason.textContent = `Not drawn: ${network.reason}.`;
      drawing.replaceChildren(reason);
    }
    document.getElementById("network-facts").replaceChildren(...facts.map((fact) => definition(...fact)));
    const experiment = facts.find(([name]) => name === "experiment")[1];
    document.getElementById("network-command").textContent
      = `sparsest show ${experiment.slice(0, 12)} ${data.asking}`;
    dialog.showModal();
  }

  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  const button = document.getElementById("theme");

  // Calls a function now and whenever the colours or the page's width change.
  function onPaint(paint) {
    const all = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-pressed", String(isDark()));
      paint();
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      all();
    });
    dark.addEventListener("change", all);
    narrow.addEventListener("change", all);
    all();
  }

  const theme = remembered();
  if (theme) root.dataset.theme = theme;

  return { draw, open, onPaint };
})();
