"""The progress display of a sweep: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import re
from io import StringIO
from types import SimpleNamespace

import pyarrow as pa
import pytest
from rich.console import Console

from orchestrator.display import progress
from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.tally import Tally


class Clock:
    """The display's clock, which tests advance."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def batch(
    count: int,
    *,
    weights: int = 40,
    accuracy: float = 0.9,
    status: str = "ok",
    dataset: str = "cubist-spiral",
) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "dataset": [dataset] * count,
            "status": [status] * count,
            "accuracy": pa.array([accuracy] * count, pa.float64()),
            "weight_nnz": pa.array([weights] * count, pa.int32()),
            "train_ms": pa.array([1.0] * count, pa.float64()),
        }
    )


class Shown(ProgressDisplay):
    """A display together with the tally that the driver would keep."""

    def __init__(self, console: Console, total: int | None, best: FewestWeights) -> None:
        self.tally = Tally(total)
        super().__init__(console, self.tally, best)

    def add(self, rows: pa.RecordBatch) -> None:
        self.tally.add_rows(rows)
        self.rows(rows)

    def show(self, work_left: float) -> None:
        self.tally.work_left = work_left
        self.tick()


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.fixture
def pipe() -> Console:
    """A console that is not a terminal, and narrower than a line."""
    return Console(file=StringIO(), width=40)


def test_line_has_progress_throughput_and_fewest_weights(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 3000, FewestWeights()) as display:
        clock.now += 20
        display.add(batch(500))
        display.add(batch(500, weights=17, accuracy=0.96))
        display.show(2 / 3)
    assert lines_of(pipe)[0] == (
        "trained 1,000 of 3,000; 0:00:20 elapsed; 50/s; 0:00:40 left; sparsest: 17 weights at 95 %"
    )


def test_number_of_all_experiments_may_be_unknown(pipe: Console, clock: Clock) -> None:
    terminal = Console(file=StringIO(), width=80, force_terminal=True)
    for console in (pipe, terminal):
        with Shown(console, None, FewestWeights()) as display:
            clock.now += 20
            display.add(batch(1000))
            display.show(2 / 3)
    expected = "trained 1,000; 0:00:20 elapsed; 50/s; 0:00:40 left; sparsest: none at 95 % yet"
    assert lines_of(pipe)[0] == expected
    shown = "\n".join(lines_of(terminal))
    assert "1,000  0:00:20 elapsed" in shown
    assert "%" not in shown.replace("95 %", "")


def test_fewest_weights_include_earlier_runs(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 10, FewestWeights({"cubist-spiral": {0.95: 16}})) as display:
        display.add(batch(1, weights=17, accuracy=0.96))
    assert lines_of(pipe)[-1].endswith("sparsest: 16 weights at 95 %")


def test_fewest_weights_of_data_sets_are_separate(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 10, FewestWeights()) as display:
        display.add(batch(1, weights=17, accuracy=0.96))
        display.add(batch(1, weights=5, accuracy=0.96, dataset="moons"))
    line = lines_of(pipe)[-1]
    assert line.endswith("cubist-spiral: 17 weights at 95 %; moons: 5 weights at 95 %")


def test_lines_are_15_seconds_apart(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 1000, FewestWeights()) as display:
        for n in range(100):
            clock.now += 0.5
            display.add(batch(1))
            display.show(1 - (n + 1) / 1000)
        assert [line.split(" of ")[0] for line in lines_of(pipe)] == [
            "trained 30",
            "trained 60",
            "trained 90",
        ]
    assert lines_of(pipe)[-1].startswith("trained 100 of 1,000; 0:00:50 elapsed; 2/s; 0:07:30 left")


def test_rate_is_that_of_the_last_minute(pipe: Console, clock: Clock) -> None:
    display = Shown(pipe, 1_000_000, FewestWeights())
    for _ in range(100):
        clock.now += 1
        display.add(batch(1000))
    for _ in range(70):
        clock.now += 1
        display.add(batch(10))
    clock.now += 0.001
    with display:
        display.show(0.5)
    assert "; 10/s; " in lines_of(pipe)[0]


def test_time_left_follows_the_cost_of_the_rest(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 1000, FewestWeights()) as display:
        clock.now += 100
        display.add(batch(900))
        display.show(0.9)
    assert (
        "900 of 1,000; 0:01:40 elapsed; 9/s; 0:15:00 left; each of the rest takes 81 times as long;"
    ) in lines_of(pipe)[0]


def test_run_without_results_has_a_rate_of_0(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 1000, FewestWeights()):
        pass
    assert lines_of(pipe) == [
        "trained 0 of 1,000; 0:00:00 elapsed; 0/s; sparsest: none at 95 % yet"
    ]


def test_failed_experiments_are_counted(pipe: Console, clock: Clock) -> None:
    with Shown(pipe, 1000, FewestWeights()) as display:
        display.add(batch(2, status="failed"))
        display.add(batch(2, status="collapsed"))
    assert lines_of(pipe)[-1].endswith("; 2 failed")


def test_note_is_printed_literally(pipe: Console, clock: Clock) -> None:
    note = "experiment mine:7 failed 3 times: [Errno 28] " + "x" * 60
    with Shown(pipe, 1000, FewestWeights()) as display:
        display.note(note)
    assert lines_of(pipe)[0] == note


def test_bar_shows_100_percent_only_at_the_end(clock: Clock) -> None:
    terminal = Console(force_terminal=True, file=StringIO(), width=120, color_system=None)
    with Shown(terminal, 1000, FewestWeights()) as display:
        clock.now += 60
        display.add(batch(999))
        display.show(0.001)
    assert any(" 99% 999 of 1,000" in line for line in lines_of(terminal))


@pytest.mark.parametrize("width", [80, 150])
def test_bar_fits_the_terminal(clock: Clock, width: int) -> None:
    terminal = Console(force_terminal=True, file=StringIO(), width=width, color_system=None)
    fewest = FewestWeights({"cubist-spiral": {0.95: 17, 0.995: 30}})
    with Shown(terminal, 155_952, fewest) as display:
        clock.now += 60
        display.add(batch(25_000))
        display.show(1 - 25_000 / 155_952)
        display.note("something")
    *_, bar, below = [line for line in lines_of(terminal) if "\x1b[?25h" not in line]
    assert re.fullmatch(r".*━+ +16% 25,000 of 155,952  0:01:00 elapsed  417/s  0:05:14 left *", bar)
    assert below.strip() == "sparsest: 17 weights at 95 %, 30 weights at 99.5 %"
    assert any(line.strip().endswith("something") for line in lines_of(terminal))
