"""A page about a store that a sweep is filling: a folder whose scripts are rewritten.

It needs no server and no port. The page is opened as a file and loads two small scripts every few
seconds: one with the state of the sweep, and one with the figure, which changes only with the rows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.methods import styles_for
from analysis.report.networks import plotted_networks
from analysis.report.page import (
    INDEX,
    MARKER,
    as_script,
    check_folder,
    copy_assets,
    new_folder,
    plots_data,
    rendered,
    to_json,
)
from analysis.report.sections.frontier import front_chart
from analysis.report.source import Source


@dataclass(frozen=True)
class RunProgress:
    """Numbers of finished and of all experiments of a running sweep, and text about them.

    Attributes:
        total: None if it is not known before the end.
    """

    done: int
    total: int | None
    text: str


@dataclass(frozen=True)
class LiveState:
    """Contents of the page other than its figure.

    Attributes:
        state: line about the running or last sweep.
        progress: progress of the running sweep; None if none runs.
        facts: (number, what it counts).
        studies: name, stored, total and share of each study, as text.
    """

    state: str
    progress: RunProgress | None
    facts: Sequence[tuple[str, str]]
    studies: Sequence[tuple[str, str, str, str]]


def make_live_folder(folder: Path, title: str, *, overwrite: bool = False) -> None:
    """Make the folder of a live page; it appears, or is replaced, when it is complete.

    A live page with the same title is always replaced.

    Raises:
        OSError: the folder cannot be written, or something else is there.
    """
    final = Path(os.path.realpath(folder.expanduser()))
    check_folder(final, overwrite=overwrite or _is_page_of(final, title))
    with new_folder(final) as made:
        copy_assets(made, "live.js")
        (made / INDEX).write_text(rendered("live.html", title=title), encoding="utf-8")
        (made / MARKER).write_text(to_json({"live": title}) + "\n", encoding="utf-8")


def _is_page_of(folder: Path, title: str) -> bool:
    """Return whether a folder holds a live page with this title."""
    try:
        return bool(json.loads((folder / MARKER).read_bytes()) == {"live": title})
    except (OSError, ValueError):
        return False


class LivePage:
    """Writer of the scripts of a live page, whose folder is that of `make_live_folder`.

    `store_option` is the option of a command that selects the store, such as `--store runs/paper`,
    and `every_s` the seconds between two updates of the page. A script that cannot be written
    raises OSError.
    """

    def __init__(self, folder: Path, store_option: str, every_s: float) -> None:
        self._folder = folder.expanduser().absolute()
        self._store_option = store_option
        self._every_s = every_s
        self._plots = 0
        self._last: dict[str, Any] | None = None

    def plot(self, source: Source) -> None:
        """Write the figure of the stored rows; the page shows it after the next `update`.

        Raises:
            storage.errors.StoreError: the rows cannot be read.
        """
        chart = front_chart(source)
        networks = plotted_networks(source, [chart])
        not_drawn = {one.row["experiment_id"]: "the live page has no drawings" for one in networks}
        styles = styles_for(source.methods)
        data = plots_data([chart], networks, not_drawn, self._store_option, styles)
        self._write("plots-data.js", as_script("LIVE_PLOTS", {**data, "uirevision": "live"}))
        self._plots += 1

    def update(self, state: LiveState) -> None:
        """Write the state of the store."""
        self._last = asdict(state)
        self._write_state(ended=False)

    def end(self) -> None:
        """Tell the page that there will be no further updates."""
        if self._last is not None:
            self._write_state(ended=True)

    def _write_state(self, *, ended: bool) -> None:
        times = {"written_ms": round(1000 * time.time()), "every_s": self._every_s}
        data = {**(self._last or {}), **times, "plots": self._plots, "ended": ended}
        self._write("progress.js", as_script("LIVE", data))

    def _write(self, name: str, text: str) -> None:
        """Replace a script as a whole, since the page may be loading it."""
        new = self._folder / f".{name}"
        new.write_text(text, encoding="utf-8")
        os.replace(new, self._folder / name)
