"""A page that shows a store while a sweep fills it: a folder whose scripts are written again.

No server and no port: the page is opened as a file, and loads two small scripts every few seconds,
one that says how the sweep stands and one with the plot, which changes only with the rows.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from analysis.report.folders import INDEX, MARKER, check_folder, put_in_place
from analysis.report.networks import plotted_networks
from analysis.report.one_dataset import Source
from analysis.report.page import copy_assets, rendered
from analysis.report.scripts import as_script, plots_data
from analysis.report.sections.frontier import front_chart

_PROGRESS: Final = "progress.js"
_PLOTS: Final = "plots-data.js"
_NOT_DRAWN: Final = "the live page has numbers only"


@dataclass(frozen=True)
class RunProgress:
    """How far a running sweep is.

    Attributes:
        done: experiments that have come back.
        total: experiments that it is to train.
        pace: the same in words, with rate and time left.
    """

    done: int
    total: int
    pace: str


@dataclass(frozen=True)
class LiveState:
    """What the page says beside its plot.

    Attributes:
        state: what runs or ran last, in a line.
        progress: of what runs; None where nothing does.
        facts: (number, what it counts).
        studies: cells of a line for each study: its name, stored, of how many, and the share.
    """

    state: str
    progress: RunProgress | None
    facts: Sequence[tuple[str, str]]
    studies: Sequence[tuple[str, str, str, str]]


def make_live_folder(folder: Path, title: str, *, overwrite: bool = False) -> None:
    """Makes the folder of a live page; it appears, or is replaced, when it is complete.

    Raises:
        OSError: it cannot be written, or something else is there.
    """
    final = Path(os.path.realpath(folder.expanduser()))
    check_folder(final, overwrite=overwrite or _is_page_of(final, title))
    with tempfile.TemporaryDirectory(prefix=".report-", dir=final.parent) as aside:
        made = Path(aside) / "report"
        made.mkdir()
        copy_assets(made, "live.js")
        (made / INDEX).write_text(rendered("live.html", title=title), encoding="utf-8")
        (made / MARKER).write_text(json.dumps({"live": title}) + "\n", encoding="utf-8")
        put_in_place(made, final)


def _is_page_of(folder: Path, title: str) -> bool:
    """Return whether a folder holds a live page with this title."""
    try:
        return bool(json.loads((folder / MARKER).read_bytes()) == {"live": title})
    except (OSError, ValueError):
        return False


class LivePage:
    """What is written again and again in the folder of a live page.

    Args:
        folder: as `make_live_folder` makes it.
        asking: how a command names the store, such as `--store runs/paper`.
        every_s: seconds between two looks of the page.
    """

    def __init__(self, folder: Path, asking: str, every_s: float) -> None:
        self._folder = folder.expanduser().absolute()
        self._asking = asking
        self._every_s = every_s
        self._plots = 0
        self._last: LiveState | None = None

    def plot(self, source: Source) -> None:
        """Plots what is stored now; the page draws it after the next `tell`.

        Raises:
            OSError: it cannot be written.
            storage.errors.StoreError: the rows cannot be read.
        """
        chart = front_chart(source)
        networks = plotted_networks(source, [chart])
        not_drawn = {
            one.row["experiment_id"]: _NOT_DRAWN if one.drawable else one.not_drawn
            for one in networks
        }
        data = plots_data([chart], networks, not_drawn, self._asking)
        self._write(_PLOTS, as_script("LIVE_PLOTS", {**data, "uirevision": "live"}))
        self._plots += 1

    def tell(self, state: LiveState) -> None:
        """Says how the store stands now.

        Raises:
            OSError: it cannot be written.
        """
        self._last = state
        self._say(state, ended=False)

    def end(self) -> None:
        """Says that nothing more will be told; the page then asks for nothing.

        Raises:
            OSError: it cannot be written.
        """
        if self._last is not None:
            self._say(self._last, ended=True)

    def _say(self, state: LiveState, *, ended: bool) -> None:
        told: dict[str, Any] = {
            **asdict(state),
            "told_ms": round(1000 * time.time()),
            "every_s": self._every_s,
            "plots": self._plots,
            "ended": ended,
        }
        self._write(_PROGRESS, as_script("LIVE", told))

    def _write(self, name: str, text: str) -> None:
        """Replaces a script as a whole: the page may be loading it at this moment."""
        aside = self._folder / f".{name}"
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, self._folder / name)
