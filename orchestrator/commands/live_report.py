"""`report --live`: a page that follows a store until Ctrl-C is pressed."""

from __future__ import annotations

import shlex
from pathlib import Path
from time import monotonic, sleep

from analysis.report.live_page import LivePage, LiveState, RunProgress, make_live_folder
from analysis.report.source import Source
from orchestrator.display.activity import Watcher, progress_line
from orchestrator.display.formatting import percent
from orchestrator.display.store_summary import study_cells
from orchestrator.display.terminal import print_line
from search.paper_sizes import TARGETS
from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader

IDLE_RATIO = 9.0
"""Pause after plotting, as a multiple of the time it took: the sweep needs the processors."""


def live_report(
    store: Path, folder: Path, interval_s: float, *, dataset: str | None, overwrite: bool
) -> None:
    """Keep a page about a store up to date until Ctrl-C is pressed.

    The page has a plot from when there are rows, and rows of the data set if one is chosen.

    Raises:
        StoreError: the folder of the store holds something else, or the store cannot be read.
        ValueError: there are several data sets and none is chosen.
        OSError: the page cannot be written.
    """
    make_live_folder(folder, f"The store {store}", overwrite=overwrite)
    page = LivePage(folder, f"--store {shlex.quote(str(store))}", interval_s)
    # Printed only now: the page exists when a browser opens it.
    print_line(f"{(folder.expanduser().absolute() / 'index.html').as_uri()}: open it in a browser")
    print_line("Ctrl-C ends this view, not the sweep")
    with Watcher(store) as watcher:
        try:
            _update(page, store, watcher, interval_s, dataset)
        except KeyboardInterrupt:
            pass
        finally:
            page.end()


def _update(
    page: LivePage, store: Path, watcher: Watcher, interval_s: float, dataset: str | None
) -> None:
    is_new, next_plot_at, awaited = False, 0.0, dataset
    while True:
        is_new |= watcher.refresh()
        if is_new and watcher.reader is not None and watcher.rows and monotonic() >= next_plot_at:
            started = monotonic()
            if awaited is not None and _has_rows(watcher.reader, awaited):
                awaited = None
            if awaited is None:
                page.plot(Source(watcher.reader, dataset))
            next_plot_at = monotonic() + IDLE_RATIO * (monotonic() - started)
            is_new = False
        page.update(_state(store, watcher, awaited))
        sleep(interval_s)


def _has_rows(reader: ResultsReader, dataset: str) -> bool:
    query = f"SELECT true FROM results WHERE dataset = {sql_text(dataset)} LIMIT 1"
    return bool(reader.sql(query).num_rows)


def _state(store: Path, watcher: Watcher, awaited: str | None) -> LiveState:
    if watcher.reader is None:
        return LiveState(f"waiting for a store at {store}", None, (), ())
    progress = None
    if (running := watcher.activity.running) is not None:
        progress = RunProgress(running.done, running.total, progress_line(running))
    facts = [(f"{watcher.rows:,}", "rows stored")]
    # Without any network yet, the targets are listed once.
    for dataset, by_target in (watcher.best.by_dataset or {"": {}}).items():
        where = f" on {dataset}" if len(watcher.best.by_dataset) > 1 else ""
        for target in TARGETS:
            fewest = by_target.get(target)
            number = "none yet" if fewest is None else f"{fewest:,}"
            facts.append((number, f"weights: sparsest at {percent(target)}{where}"))
    waiting = [] if awaited is None else [f"waiting for rows of {awaited}"]
    return LiveState(
        "; ".join(watcher.activity.lines() + waiting),
        progress,
        facts,
        study_cells(watcher.studies),
    )
