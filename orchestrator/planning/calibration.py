"""How fast this machine trains: measured once, kept, and shown with its age."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveFloat, ValidationError

from search.experiment import Experiment
from search.paper_grids import INPUTS
from search.structure import Structure
from storage.log.sweep_info import processor_name
from workers.cache_folder import cache_folder
from workers.cost import STEP_COST, step_cost
from workers.fast import BACKEND
from workers.train import train_batch

STRUCTURES = ((3, 2, 2), (3, 3, 3), (7, 3, 3), (8, 8, 8), (16, 16, 16))
"""Networks that are timed, from the smallest of the paper's search to the largest."""

NETWORKS = 16
"""Networks of each structure that are timed together: as many as share a data order in a task."""

LEARNING_RATE = 1e-6
"""With which no network learns anything: what is counted of good ones (`workers.prunability`) is no
training, and depends on how good they become."""

EPOCHS = 20
"""Epochs that they are trained for: one to two seconds in all. Of fewer, what a network takes
besides its training would be too large a part."""


class Calibration(BaseModel):
    """Seconds of one core that a unit of `workers.cost` takes.

    Attributes:
        backend: trainer that was measured.
        processor: on which processor.
        seconds_per_cost: the figure.
        measured: when, in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    backend: str
    processor: str
    seconds_per_cost: PositiveFloat
    measured: AwareDatetime

    @property
    def age(self) -> str:
        """How long ago it was measured, in words."""
        seconds = (datetime.now(UTC) - self.measured).total_seconds()
        for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
            if seconds >= 2 * size:
                return f"{seconds / size:.0f} {unit} ago"
        return "just now"


def speed_note(speed: Calibration) -> str:
    """What core-hours mean, for whom reads them."""
    return (
        f"Core-hours are of one core of this machine ({speed.backend}), calibrated {speed.age}; "
        "`--calibrate` measures again."
    )


def calibration_file() -> Path:
    """Where the figure is kept: it belongs to its cost model, and to what was trained for it."""
    return cache_folder() / f"calibration-{STEP_COST:g}-{LEARNING_RATE:g}-{EPOCHS}.json"


def calibration(*, again: bool = False) -> Calibration:
    """The kept figure of this machine and backend, or a new one, which is kept.

    Args:
        again: measure even where there is a kept figure.
    """
    path = calibration_file()
    kept = None if again else _read(path)
    if kept is not None and (kept.backend, kept.processor) == (BACKEND, processor_name()):
        return kept
    measured = Calibration(
        backend=BACKEND,
        processor=processor_name(),
        seconds_per_cost=_measure(),
        measured=datetime.now(UTC),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(measured.model_dump_json(indent=1) + "\n")
    except OSError:
        # Without a cache folder every plan measures for itself.
        return measured
    return measured


def _read(path: Path) -> Calibration | None:
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        # Absent, torn or from another version: it costs two seconds to measure again.
        return None


def _measure() -> float:
    """Median over the structures of core-seconds a unit of cost.

    Processor time, not wall-clock time: what else runs on the machine shall not count.
    """
    train_batch([Experiment(structure=(1, 1, 1), epochs=1)])
    figures = []
    for structure in STRUCTURES:
        group = _of_one_order(structure)
        start = time.process_time()
        train_batch(group)
        seconds = time.process_time() - start
        weights = Structure(structure).weights(INPUTS)
        figures.append(seconds / (NETWORKS * EPOCHS * step_cost(weights)))
    return float(np.median(figures))


def _of_one_order(structure: tuple[int, ...]) -> list[Experiment]:
    """Experiments that share a data order, as the many experiments of a task do."""
    variants = (
        Experiment(structure=structure, epochs=EPOCHS, lr=LEARNING_RATE * (1 + n / 1000))
        for n in count()
    )
    return list(islice((e for e in variants if e.order_stream == 0), NETWORKS))
