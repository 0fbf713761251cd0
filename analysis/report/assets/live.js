/* The live page: it reloads small scripts, since a page that is opened from a file cannot fetch data. */
"use strict";

(() => {
  const { make } = Sparsest;
  const plot = document.getElementById("plot");
  const views = document.getElementById("views");
  const age = document.getElementById("age");
  const bar = document.getElementById("bar");
  let state = null;
  let plots = null;
  let plotted = 0;

  // Loads the current version of a script of the folder; false if that fails.
  function load(name) {
    return new Promise((resolve) => {
      const script = document.createElement("script");
      const done = (loaded) => { script.remove(); resolve(loaded); };
      script.onload = () => done(true);
      script.onerror = () => done(false);
      script.src = `${name}?${Date.now()}`;
      document.head.append(script);
    });
  }

  const write = (name, text) => { document.getElementById(name).textContent = text; };

  function showProgress({ progress }) {
    document.getElementById("progress").hidden = !progress;
    if (!progress) return;
    const { done, total } = progress;
    if (total === null) {
      bar.removeAttribute("value");
      write("percent", "");
    } else {
      bar.max = Math.max(1, total);
      bar.value = done;
      // Rounded down: 100 % only if all are done.
      write("percent", `${Math.floor((100 * done) / Math.max(1, total))} %`);
    }
    write("progress-text", progress.text);
  }

  function showFacts({ facts }) {
    document.getElementById("facts").replaceChildren(...facts.map(
      ([number, label]) => make("li", {}, make("strong", {}, number), ` ${label}`),
    ));
  }

  function showStudies({ studies }) {
    document.getElementById("studies").replaceChildren(...studies.map((cells) => make("tr", {}, ...cells.map(
      (text, at) => make("td", { className: at ? "number" : "" }, text),
    ))));
  }

  function showAge() {
    if (!state) return;
    const at = new Date(state.written_ms).toLocaleTimeString();
    const late = Date.now() - state.written_ms > 3000 * state.every_s + 5000;
    if (state.ended) age.textContent = `As of ${at}, when the command that updates this page ended. A sweep may still be running.`;
    else if (late) age.textContent = `No update since ${at}: the command that updates this page has ended or is delayed.`;
    else age.textContent = `As of ${at}; updated every ${state.every_s} s.`;
    age.classList.toggle("late", late || state.ended);
  }

  async function draw() {
    if (!plots) return;
    const [chart] = Object.values(plots.charts);
    plot.hidden = !chart;
    document.getElementById("nothing").hidden = Boolean(chart);
    if (!chart) return;
    const names = Object.keys(chart.views);
    const chosen = names.includes(views.value) ? views.value : chart.first;
    views.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
    document.getElementById("choice").hidden = names.length < 2;
    const data = plots;
    await Sparsest.draw(plot, chart, chart.views[chosen], data, (number, note) => Sparsest.open(number, note, data));
  }

  async function update() {
    if (await load("progress.js")) {
      state = window.LIVE;
      write("state", state.state);
      showProgress(state);
      showFacts(state);
      showStudies(state);
      if (state.plots !== plotted && await load("plots-data.js")) {
        plots = window.LIVE_PLOTS;
        plotted = state.plots;
        await draw();
      }
    }
    showAge();
    if (!state?.ended) setTimeout(update, 1000 * (state ? state.every_s : 1));
  }

  views.addEventListener("change", draw);
  Sparsest.onPaint(draw);
  update();
})();
