"""The training speed of this machine: measured once, kept in a file, and shown with its age."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveFloat, ValidationError

from search.cache_folder import cache_folder
from search.experiment import Experiment
from search.paper_grids import INPUTS
from search.structure import Structure
from storage.log.sweep_info import processor_name
from workers.cost import STEP_COST, step_cost
from workers.kernel.instruction_set import backend_name

STRUCTURES = tuple(map(Structure, ((3, 2, 2), (3, 3, 3), (7, 3, 3), (8, 8, 8), (16, 16, 16))))
"""Structures that are timed, from the smallest of the paper's search to the largest."""

NETWORKS = 16
"""Number of networks of each structure, timed together as if they shared a data order in a task."""

LEARNING_RATE = 1e-6
"""Learning rate at which no network learns. For a good network, the weights that it could lose are
counted too (`workers.prunability`), which is not training."""

EPOCHS = 20
"""Epochs of each network, which take one to two seconds in all. With fewer, the work other than
training would count too much."""


class Calibration(BaseModel):
    """The seconds of one core for a unit of `workers.cost`, when and on what they were measured."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    backend: str
    processor: str
    seconds_per_cost: PositiveFloat
    measured: AwareDatetime

    @property
    def age(self) -> str:
        """Time since the measurement, such as "3 days ago"."""
        seconds = (datetime.now(UTC) - self.measured).total_seconds()
        for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
            if seconds >= 2 * size:
                return f"{seconds / size:.0f} {unit} ago"
        return "just now"


def speed_note(speed: Calibration) -> str:
    """Return an explanation of core-hours for the user."""
    return (
        f"Core-hours are of one core of this machine ({speed.backend}), calibrated {speed.age}; "
        "`--calibrate` measures again."
    )


def calibration_file() -> Path:
    """Return the file of the speed; its name contains what the measurement depends on."""
    return cache_folder() / f"calibration-{STEP_COST:g}-{LEARNING_RATE:g}-{EPOCHS}.json"


def calibration(*, again: bool = False) -> Calibration:
    """Return the speed of this machine and backend: from the file, or measured (`again`)."""
    path = calibration_file()
    if not again:
        # The file may be missing, damaged or from another version.
        with suppress(OSError, ValidationError):
            kept = Calibration.model_validate_json(path.read_bytes())
            if (kept.backend, kept.processor) == (backend_name(), processor_name()):
                return kept
    measured = Calibration(
        backend=backend_name(),
        processor=processor_name(),
        seconds_per_cost=_measure(),
        measured=datetime.now(UTC),
    )
    with suppress(OSError):  # without a cache folder, every command measures again
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(measured.model_dump_json(indent=1) + "\n")
    return measured


def _measure() -> float:
    """Return the median over the structures of the seconds per unit of cost.

    Processor time, not wall-clock time: other programs on the machine must not count.
    """
    # Imported here: numba takes 0.2 s, and the speed is measured once.
    from workers.train import train_batch

    train_batch([Experiment(structure=(1, 1, 1), epochs=1)])
    measured = []
    for structure in STRUCTURES:
        experiments = _of_one_order(structure)
        start = time.process_time()
        train_batch(experiments)
        seconds = time.process_time() - start
        cost = NETWORKS * EPOCHS * step_cost(structure.weights(INPUTS))
        measured.append(seconds / cost)
    return float(np.median(measured))


def _of_one_order(structure: Structure) -> list[Experiment]:
    """Return experiments that share a data order, as many in a task do."""
    variants = (
        Experiment(structure=structure, epochs=EPOCHS, lr=LEARNING_RATE * (1 + n / 1000))
        for n in count()
    )
    return list(islice((e for e in variants if e.order_stream == 0), NETWORKS))
