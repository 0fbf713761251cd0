/* Common to all pages: colours of the theme, plots by plotly, and the networks of the points. */
"use strict";

const Sparsest = (() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");

  let printing = false;
  const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const cssColour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // Colours of downloads and of the printed page, whatever the theme: those of the light theme.
  const PAPER = { text: "#1a1d21", muted: "#565e67", line: "#d9dde1", card: "#f6f7f8", accent: "#0b62a4" };
  const themeColours = () => (printing ? PAPER : {
    text: cssColour("--text"), muted: cssColour("--muted"), line: cssColour("--line"),
    card: cssColour("--card"), accent: cssColour("--accent"),
  });

  // A page that is opened from a file has no storage in some browsers.
  function remember(theme) {
    try { localStorage.setItem("sparsest-theme", theme); } catch { /* the choice lasts for this page */ }
  }
  function remembered() {
    try { return localStorage.getItem("sparsest-theme"); } catch { return null; }
  }

  function painted(trace, colourOf) {
    const colour = colourOf(trace.meta);
    if (trace.fill) return { ...trace, fillcolor: colour + "2e" };
    const coloured = (part) => ({ ...part, color: colour });
    const copy = { ...trace, line: coloured(trace.line), marker: coloured(trace.marker) };
    for (const bar of ["error_x", "error_y"]) {
      if (trace[bar]) copy[bar] = coloured(trace[bar]);
    }
    return copy;
  }

  function layoutOf(chart, view, data, colourOf, colours) {
    const axis = (name) => ({
      ...chart.layout[name], ...(view.layout[name] || {}),
      gridcolor: colours.line, linecolor: colours.line, zeroline: false,
    });
    return {
      xaxis: axis("xaxis"),
      yaxis: axis("yaxis"),
      shapes: (view.layout.shapes || []).map((shape) => ({
        ...shape, line: { ...shape.line, color: colourOf(shape.name) },
      })),
      annotations: (view.layout.annotations || []).map((text) => ({
        ...text, font: { ...text.font, color: colours.muted },
      })),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colours.text, size: 13 },
      hoverlabel: { bgcolor: colours.card, font: { color: colours.text } },
      hovermode: "closest",
      // If set, a zoomed plot stays zoomed when it is drawn again.
      uirevision: data.uirevision,
      showlegend: chart.layout.showlegend,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.muted, activecolor: colours.accent },
      margin: { l: 55, r: 15, t: 25, b: 50 },
      legend: narrow.matches
        ? { orientation: "h", yref: "container", y: 0, yanchor: "bottom", font: { size: 12 } }
        : { font: { size: 13 } },
    };
  }

  const config = {
    responsive: true,
    displaylogo: false,
    // Listed explicitly: one of the default buttons sends the plot to a server.
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"]],
  };

  const coloursOf = (data, theme) => (style) => (data.styles[style] || data.styles.guide)[theme];

  // Draws a view in an element. `data`: the page's data; `onPoint` gets the network's number and the
  // note of a point that is clicked.
  async function draw(element, chart, view, data, onPoint) {
    const colourOf = coloursOf(data, isDark() ? "dark" : "light");
    const traces = view.data.map((trace) => painted(trace, colourOf));
    await Plotly.react(element, traces, layoutOf(chart, view, data, colourOf, themeColours()), config);
    element.removeAllListeners("plotly_click");
    element.on("plotly_click", ({ points }) => {
      const [number, note] = points[0].customdata || [];
      if (number !== null && number !== undefined) onPoint(number, note);
    });
  }

  // Downloads a view in the light colours on white, in a size for print.
  function download(name, chart, view, data, choices, format) {
    const colourOf = coloursOf(data, "light");
    const layout = layoutOf(chart, view, data, colourOf, PAPER);
    const title = [chart.title, ...choices].join("<br>");
    const figure = {
      data: view.data.map((trace) => painted(trace, colourOf)),
      layout: {
        ...layout, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", width: 900, height: 560,
        title: { text: title, font: { size: 14 }, x: 0.02, xanchor: "left", y: 0.98, yanchor: "top" },
        margin: { ...layout.margin, t: 60 + 18 * choices.length },
        legend: { font: { size: 13 } },
      },
    };
    const values = choices.map((choice) => choice.split(": ")[1]);
    const filename = [name, ...values].join("-").replace(/[^\w.-]+/g, "-");
    return Plotly.downloadImage(figure, { format, filename, width: 900, height: 560, scale: format === "png" ? 4 : 1 });
  }

  const dialog = document.getElementById("network");

  // Returns a new element with these properties and children; text is a child too.
  function make(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Opens a network of `data`; `note` is the note of its point.
  function open(number, note, data) {
    const network = data.networks[number];
    const facts = data.facts.map((name, at) => [name, network.facts[at]]).filter(([, value]) => value);
    document.getElementById("network-title").textContent = network.title;
    document.getElementById("network-note").textContent = note;
    const named = facts.map(([name, value]) => `${name} ${value}`).join(", ");
    document.getElementById("network-drawing").replaceChildren(network.file
      ? make("img", { src: network.file, alt: `Drawing of the network ${network.title}: ${named}` })
      : make("p", { className: "nothing" }, `Not drawn: ${network.reason}.`));
    document.getElementById("network-facts").replaceChildren(...facts.map(
      ([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)),
    ));
    const experiment = facts.find(([name]) => name === "experiment")[1];
    document.getElementById("network-command").textContent =
      `sparsest show ${experiment.slice(0, 12)} ${data.storeOption}`;
    dialog.showModal();
  }

  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  const button = document.getElementById("theme");

  // Calls a function now and whenever the colours or the width of the page change.
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
    // Paper is white.
    window.addEventListener("beforeprint", () => { printing = true; all(); });
    window.addEventListener("afterprint", () => { printing = false; all(); });
    all();
  }

  const theme = remembered();
  if (theme) root.dataset.theme = theme;

  return { draw, download, make, open, onPaint };
})();
