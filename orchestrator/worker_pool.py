"""Who trains: the kinds of workers that there are at a moment, and how many of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.train import Device


@dataclass(frozen=True)
class WorkerKind:
    """Workers that are equally fast: those of one device and backend on one machine.

    Attributes:
        device: what they train on.
        backend: what the column `backend` says of their rows.
        host: the machine.
    """

    device: Device = "cpu"
    backend: str = ""
    host: str = ""


DEFAULT_KIND = WorkerKind()
"""Where all workers are alike and nobody asks what they are."""


@dataclass(frozen=True)
class WorkerCounts:
    """The workers of a moment.

    Attributes:
        workers: how many are ready, by kind.
        devices: of the workers that are ready or starting.
    """

    workers: Mapping[WorkerKind, int] = field(default_factory=dict)
    devices: frozenset[Device] = frozenset({"cpu"})
