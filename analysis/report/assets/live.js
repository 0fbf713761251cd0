/* The live page: it loads small scripts again and again, since a page from a file can fetch nothing. */
"use strict";

(() => {
  const place = document.getElementById("plot");
  const views = document.getElementById("views");
  const news = document.getElementById("news");
  const bar = document.getElementById("bar");
  let told = null;
  let plots = null;
  let plotted = 0;

  // Loads a script of the folder as it is now; false where it cannot be had.
  function load(name) {
    return new Promise((resolve) => {
      const script = document.createElement("script");
      const done = (there) => { script.remove(); resolve(there); };
      script.onload = () => done(true);
      script.onerror = () => done(false);
      script.src = `${name}?${Date.now()}`;
      document.head.append(script);
    });
  }

  const say = (name, text) => { document.getElementById(name).textContent = text; };

  function showProgress({ progress }) {
    document.getElementById("progress").hidden = !progress;
    if (!progress) return;
    bar.max = Math.max(1, progress.total);
    bar.value = progress.done;
    // Rounded down: 100 % are all of them.
    say("percent", `${Math.floor((100 * progress.done) / Math.max(1, progress.total))} %`);
    say("pace", progress.pace);
  }

  function showFacts({ facts }) {
    document.getElementById("facts").replaceChildren(...facts.map(([number, says]) => {
      const item = document.createElement("li");
      const strong = document.createElement("strong");
      strong.textContent = number;
      item.append(strong, ` ${says}`);
      return item;
    }));
  }

  function showStudies({ studies }) {
    document.getElementById("studies").replaceChildren(...studies.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text, at) => {
        const cell = document.createElement("td");
        cell.className = at ? "number" : "";
        cell.textContent = text;
        return cell;
      }));
      return row;
    }));
  }

  function showAge() {
    if (!told) return;
    const at = new Date(told.told_ms).toLocaleTimeString();
    const late = Date.now() - told.told_ms > 3000 * told.every_s + 5000;
    if (told.ended) news.textContent = `As of ${at}, when this view was ended; a sweep may still run.`;
    else if (late) news.textContent = `No news since ${at}: what writes this page was ended, or is held up.`;
    else news.textContent = `As of ${at}; looks again every ${told.every_s} s.`;
    news.classList.toggle("late", late || told.ended);
  }

  async function draw() {
    if (!plots) return;
    const [chart] = Object.values(plots.charts);
    place.hidden = !chart;
    document.getElementById("nothing").hidden = Boolean(chart);
    if (!chart) return;
    const names = Object.keys(chart.views);
    const chosen = names.includes(views.value) ? views.value : chart.first;
    views.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
    document.getElementById("choice").hidden = names.length < 2;
    const data = plots;
    await Sparsest.draw(place, chart, chart.views[chosen], data, (number, note) => Sparsest.open(number, note, data));
  }

  async function look() {
    if (await load("progress.js")) {
      told = window.LIVE;
      say("state", told.state);
      showProgress(told);
      showFacts(told);
      showStudies(told);
      if (told.plots !== plotted && await load("plots-data.js")) {
        plots = window.LIVE_PLOTS;
        plotted = told.plots;
        await draw();
      }
    }
    showAge();
    if (!told?.ended) setTimeout(look, 1000 * (told ? told.every_s : 1));
  }

  views.addEventListener("change", draw);
  Sparsest.onPaint(draw);
  look();
})();
