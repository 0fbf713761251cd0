"""The options of `run` that say what trains, and the executor that they ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum

from orchestrator.errors import UserError
from orchestrator.executor import Executor, InlineExecutor
from orchestrator.ray_environment import prepare_ray_environment
from workers.initial import StoredInit
from workers.train import Device


class DeviceChoice(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class ExecutorChoice(StrEnum):
    """What trains."""

    ray = "ray"
    inline = "inline"


def chosen_device(choice: DeviceChoice, address: str | None) -> Device:
    """Where to train; a cluster's GPUs need not be this machine's.

    Raises:
        UserError: a GPU was asked for that is not there.
    """
    if choice is DeviceChoice.cpu:
        return "cpu"
    if choice is DeviceChoice.cuda and address is not None:
        return "cuda"
    # Imported here: torch takes seconds that a CPU run need not spend.
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if choice is DeviceChoice.cuda:
        raise UserError("--device cuda: torch finds no CUDA device on this machine")
    return "cpu"


def chosen_workers(
    executor: ExecutorChoice, workers: int | None, device: Device, address: str | None
) -> int:
    """How many workers to have: what was asked for, else one a core or GPU of this machine.

    Raises:
        UserError: options that do not go together.
    """
    if executor is ExecutorChoice.inline:
        if workers is not None or address is not None:
            unused = "--workers" if workers is not None else "--address"
            raise UserError(
                f"--executor inline trains in this process alone: leave {unused} out, or take "
                "--executor ray"
            )
        return 1
    if workers is not None:
        return workers
    if address is not None:
        raise UserError(f"--address {address}: say with --workers how many of it to take")
    if device == "cuda":
        import torch

        return torch.cuda.device_count()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_executor(
    executor: ExecutorChoice,
    workers: int,
    inits: Mapping[str, StoredInit],
    device: Device,
    address: str | None,
) -> Executor:
    """The executor, not yet entered.

    Args:
        executor: which one.
        workers: of Ray's.
        inits: stored initialisations by token.
        device: where to train.
        address: a Ray cluster to join; None for this machine.
    """
    if executor is ExecutorChoice.inline:
        return InlineExecutor(inits, device)
    prepare_ray_environment(address)
    # Imported here: only now is its environment settled, and the inline executor needs none.
    from orchestrator.ray_executor import RayExecutor

    return RayExecutor(workers, inits, device, address)
