"""The options of `run` that say what trains, and the executor that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.cores import usable_cores
from orchestrator.errors import UserError

if TYPE_CHECKING:  # every command imports this module for its options
    from orchestrator.executor import Executor
    from search.layers import StoredInit
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


def chosen_devices(
    choice: DeviceChoice, executor: ExecutorChoice, address: str | None
) -> tuple[Device, ...]:
    """Where to train; a cluster's GPUs need not be this machine's.

    Raises:
        UserError: a GPU was asked for that is not there.
    """
    if choice is DeviceChoice.cpu:
        return ("cpu",)
    if address is not None:
        return ("cuda",) if choice is DeviceChoice.cuda else ("cpu", "cuda")
    # Imported here: torch takes seconds that a CPU run need not spend.
    import torch

    if torch.cuda.is_available():
        one = choice is DeviceChoice.cuda or executor is ExecutorChoice.inline
        return ("cuda",) if one else ("cpu", "cuda")
    if choice is DeviceChoice.cuda:
        raise UserError("--device cuda: torch finds no CUDA device on this machine")
    return ("cpu",)


def check_workers(executor: ExecutorChoice, workers: int | None, address: str | None) -> None:
    """Raises a `UserError` for options that do not go together."""
    if executor is ExecutorChoice.inline and (workers is not None or address is not None):
        unused = "--workers" if workers is not None else "--address"
        raise UserError(
            f"--executor inline trains in this process alone: leave {unused} out, or take "
            "--executor ray"
        )


def make_executor(
    executor: ExecutorChoice,
    workers: int | None,
    inits: Mapping[str, StoredInit],
    devices: tuple[Device, ...],
    address: str | None,
) -> Executor:
    """The executor, not yet entered.

    Args:
        executor: which one.
        workers: of Ray's, at most; None for as many as there is room for.
        inits: stored initialisations by token.
        devices: where to train.
        address: a Ray cluster to join; None for this machine.
    """
    if executor is ExecutorChoice.inline:
        from orchestrator.executor import InlineExecutor

        return InlineExecutor(inits, devices[0])
    from orchestrator.ray_environment import prepare_ray_environment

    prepare_ray_environment(address)
    # Imported here: only now is its environment settled, and the inline executor needs none.
    from orchestrator.cluster.pool_size import PoolRequest
    from orchestrator.ray_executor import RayExecutor, ThisMachine

    if address is not None:
        return RayExecutor(PoolRequest(devices, workers, grows=True), inits, address)
    gpus = _gpus_here() if "cuda" in devices else 0
    count = workers or (usable_cores() if "cpu" in devices else gpus)
    here = ThisMachine(cpus=count, gpus=min(gpus, count))
    return RayExecutor(PoolRequest(devices, count, grows=False), inits, here)


def _gpus_here() -> int:
    import torch

    return torch.cuda.device_count()
