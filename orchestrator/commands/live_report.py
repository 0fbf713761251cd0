"""`report --live`: a page that is kept as the store is, until Ctrl-C is pressed."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep
from typing import Any

from analysis.report.live_page import LivePage, LiveState, RunProgress, make_live_folder
from analysis.report.one_dataset import OneDataset
from orchestrator.display.throughput import progress_line
from orchestrator.display.watcher import Watcher
from search.paper import TARGETS

REST = 9.0
"""How much longer nothing is asked than the last question for the plot took: the sweep has the
processors for the rest of the time."""


def live_report(
    store: Path, folder: Path, interval_s: float, *, dataset: str | None, overwrite: bool
) -> None:
    """Keeps a page about a store until Ctrl-C is pressed.

    Args:
        store: its folder, which need not be there yet.
        folder: of the page.
        interval_s: seconds between two looks.
        dataset: whose rows are plotted; None where there is only one.
        overwrite: replace a report that is in the folder.

    Raises:
        StoreError: what is there is no store that can be read.
        ValueError: the rows are of several data sets and none is chosen.
        OSError: the page cannot be written.
    """
    make_live_folder(folder, f"The store {store}", overwrite=overwrite)
    page = LivePage(folder, f"--store {store}", interval_s)
    # Here, not where the folder's name is known first: a browser that opens it finds the page.
    print(f"{(folder.expanduser().absolute() / 'index.html').as_uri()}: open it in a browser")
    print("Ctrl-C ends this view, not the sweep", flush=True)
    with Watcher(store) as watcher:
        try:
            _keep(page, store, watcher, interval_s, dataset)
        except KeyboardInterrupt:
            # How it is meant to end; the sweep does not notice.
            page.end()


def _keep(
    page: LivePage, store: Path, watcher: Watcher, interval_s: float, dataset: str | None
) -> None:
    is_new, next_plot_at = False, 0.0
    while True:
        is_new |= watcher.refresh()
        if is_new and watcher.reader is not None and watcher.rows and monotonic() >= next_plot_at:
            begun = monotonic()
            page.plot(OneDataset(watcher.reader, dataset))
            next_plot_at = monotonic() + REST * (monotonic() - begun)
            is_new = False
        page.tell(_state(store, watcher))
        sleep(interval_s)


def _state(store: Path, watcher: Watcher) -> LiveState:
    if watcher.reader is None:
        return LiveState(f"waiting for a store at {store}", None, (), ())
    progress = None
    if (told := watcher.activity.running) is not None:
        progress = RunProgress(told.done, told.total, progress_line(told))
    facts = [(f"{watcher.rows:,}", "rows stored")]
    for target in TARGETS:
        fewest = watcher.best.by_target.get(target)
        number = "none yet" if fewest is None else f"{fewest:,}"
        facts.append((number, f"weights: sparsest at {100 * target:g} %"))
    return LiveState(
        "; ".join(watcher.activity.lines()),
        progress,
        facts,
        [_cells(study) for study in watcher.studies],
    )


def _cells(study: dict[str, Any]) -> tuple[str, str, str, str]:
    stored, size = study["stored"], study["experiments"]
    if not size:
        return study["study"], f"{stored:,}", "", ""
    return study["study"], f"{stored:,}", f"{size:,}", f"{100 * stored / size:.1f} %"
