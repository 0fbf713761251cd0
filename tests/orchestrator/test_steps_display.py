"""Progress of a command with several steps, with and without a terminal."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from orchestrator.display import progress as steps_display
from orchestrator.display.progress import LINE_EVERY_S, StepsDisplay


def test_lines_appear_at_the_end_of_steps_and_every_15_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(steps_display, "time", SimpleNamespace(monotonic=lambda: now[0]))
    printed = StringIO()
    with StepsDisplay(Console(file=printed)) as display:
        for done in range(8):
            display.update("asking", done, 7)
        display.update("drawing", 0, 2_000)
        display.update("drawing", 1_199, 2_000)
        now[0] += LINE_EVERY_S
        display.update("drawing", 1_200, 2_000)
        display.update("drawing", 1_201, 2_000)
        display.update("drawing", 2_000, 2_000)
        display.update("nothing", 0, 0)
    assert printed.getvalue().splitlines() == [
        "asking: 7 of 7",
        "drawing: 1,200 of 2,000",
        "drawing: 2,000 of 2,000",
    ]


def test_terminal_shows_a_bar() -> None:
    printed = StringIO()
    with StepsDisplay(Console(file=printed, force_terminal=True, width=80)) as display:
        display.update("asking", 3, 7)
    assert "3/7" in printed.getvalue()
    assert "3 of 7" not in printed.getvalue()
