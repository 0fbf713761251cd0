"""The options of `run` and `search` that choose an executor, and that executor."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import UserError

if TYPE_CHECKING:  # every command imports this module for its options
    from orchestrator.executor import Executor
    from search.layers import StoredInit
    from workers.train import Device

SMALL_RUN_S = 20.0
"""Seconds of work on one core up to which a run does not use Ray, which takes as long to start."""

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device files of NVIDIA's and AMD's drivers, and of GPUs in the Windows Subsystem for Linux."""


DeviceChoice = Literal["auto", "cpu", "cuda"]
ExecutorChoice = Literal["auto", "ray", "inline"]


@dataclass(frozen=True)
class ExecutorOptions:
    """The executor that the user asks for.

    Attributes:
        workers: maximum number of workers; None for as many as there is room for.
        address: a Ray cluster to join; None for this machine.
    """

    choice: ExecutorChoice
    workers: int | None = None
    devices: tuple[Device, ...] = ("cpu",)
    address: str | None = None

    @classmethod
    def of(
        cls, choice: ExecutorChoice, workers: int | None, device: DeviceChoice, address: str | None
    ) -> ExecutorOptions:
        """Return the options; those that exclude each other, or lack a GPU, are a `UserError`."""
        if choice == "inline" and (workers is not None or address is not None):
            unused = "--workers" if workers is not None else "--address"
            raise UserError(
                f"--executor inline trains in this process alone: leave {unused} out, or use "
                "--executor ray"
            )
        return cls(choice, workers, _devices(device, choice, address), address)

    def resolved(self, core_s: float, packages: Collection[str]) -> ExecutorOptions:
        """Return the options with `auto` replaced: by `inline` for small runs, otherwise by `ray`.

        A run is small if it takes few seconds on one core (`core_s`). `--workers` and `--address`
        ask for Ray. So do packages with plug-ins: a worker that hangs or crashes can be replaced,
        this process cannot.
        """
        if self.choice != "auto":
            return self
        # Imported here: it imports numpy, which most commands do not need.
        from search.datasets import DATASETS

        plugins = set(packages) - {spec.package for spec in DATASETS.values()}
        asks_for_ray = plugins or self.workers is not None or self.address is not None
        if "cpu" in self.devices and not asks_for_ray and core_s <= SMALL_RUN_S:
            return ExecutorOptions("inline")
        return replace(self, choice="ray")


def make_executor(options: ExecutorOptions, inits: Mapping[str, StoredInit]) -> Executor:
    """Return the executor, not yet entered; its choice must not be `auto`."""
    # Imported here, like Ray below: other commands that import this module train nothing.
    from orchestrator.executor import InlineExecutor

    if options.choice == "inline":
        return InlineExecutor(inits, options.devices[0])
    from orchestrator.ray_environment import prepare_ray_environment

    prepare_ray_environment(options.address)
    from orchestrator.cluster.pool_rules import PoolRequest
    from orchestrator.cores import usable_cores
    from orchestrator.ray_executor import RayExecutor, ThisMachine

    devices, workers = options.devices, options.workers
    if options.address is not None:
        return RayExecutor(PoolRequest(devices, workers, grows=True), inits, options.address)
    gpus = 0
    if "cuda" in devices:
        import torch

        gpus = torch.cuda.device_count()
    count = workers or (usable_cores() if "cpu" in devices else gpus)
    machine = ThisMachine(cpus=count, gpus=min(gpus, count))
    return RayExecutor(PoolRequest(devices, count, grows=False), inits, machine)


def _devices(
    device: DeviceChoice, executor: ExecutorChoice, address: str | None
) -> tuple[Device, ...]:
    """Return the devices to train on; the GPUs of a cluster need not be this machine's."""
    if device == "cpu":
        return ("cpu",)
    if address is not None:
        return ("cuda",) if device == "cuda" else ("cpu", "cuda")
    if device == "auto" and not any(Path(file).exists() for file in _GPU_DEVICES):
        return ("cpu",)  # without importing torch, which takes seconds
    import torch

    if torch.cuda.is_available():
        one = device == "cuda" or executor == "inline"
        return ("cuda",) if one else ("cpu", "cuda")
    if device == "cuda":
        raise UserError("--device cuda: torch finds no CUDA device on this machine")
    return ("cpu",)
