"""Checks of this machine: Python, packages, plug-ins, kernels, GPU, clock, cores, memory, cache."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil

from orchestrator.cores import usable_cores
from orchestrator.display.formatting import human_bytes
from orchestrator.doctor.diagnosis import Diagnosis, ok, problem, warning
from orchestrator.doctor.node_report import sources
from orchestrator.plugins import all_plugins
from search.cache_folder import cache_folder
from search.plugins import Plugin
from search.process_state import all_changes, deviations, standard_state
from storage.log.sweep_info import software_versions
from storage.reading.connections import container_memory
from workers.kernel.instruction_set import ARITHMETIC

OLDEST_PYTHON = (3, 11)

EXACT = frozenset({"torch"})
"""Packages whose version decides rows: their generators draw the initial weights."""

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
_ROOT = Path(__file__).resolve().parents[2]
_NVIDIA = Path("/proc/driver/nvidia/version")


def check_software() -> Iterator[Diagnosis]:
    """Yield all results of this module."""
    yield check_python(sys.version_info[:3])
    yield check_packages(software_versions(), _ROOT / "constraints.txt")
    yield check_plugins(all_plugins())
    yield check_process_settings()
    yield check_kernels()
    yield check_gpu()
    yield check_clock(time.time(), max(path.stat().st_mtime for path in sources().values()))
    cores = usable_cores()
    installed = os.cpu_count() or cores
    limit = "" if cores == installed else f" of {installed}; this process may not use more"
    yield ok("cores", f"{cores}{limit}")
    yield check_memory(min(psutil.virtual_memory().total, container_memory()), cores)
    yield check_cache(cache_folder())


def check_python(version: tuple[int, ...]) -> Diagnosis:
    """Check the version of Python."""
    text = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return problem("python", text, "install Python 3.11 or newer")
    return ok("python", text)


def check_packages(installed: Mapping[str, str], constraints: Path) -> Diagnosis:
    """Compare the versions of packages with those in `constraints`, which are tested."""
    what = "packages"
    try:
        pins: dict[str, str] = dict(_PIN.findall(constraints.read_text()))
    except OSError:
        return warning(
            what,
            f"not compared: {constraints} does not exist",
            "run this from a checkout, whose constraints.txt has the tested versions",
        )
    # The build for a kind of GPU follows a plus.
    found = {name: version.partition("+")[0] for name, version in installed.items()}
    different = {n: v for n, v in found.items() if n in pins and v != pins[n]}
    missing = [name for name in ("torch", "numba", "duckdb", "pyarrow") if name not in found]
    versions = ", ".join(
        f"{name} {version} (tested: {pins[name]})" for name, version in different.items()
    )
    advice = f"pip install -c {constraints} {' '.join([*different, *missing])}"
    if missing:
        return problem(what, f"missing: {', '.join(missing)}", advice)
    if EXACT & different.keys():
        return problem(what, f"{versions}: rows would differ", advice)
    if different:
        return warning(what, versions, advice)
    return ok(what, f"{len([n for n in found if n in pins])} as tested")


def check_plugins(plugins: Sequence[Plugin]) -> Diagnosis:
    """Check the methods and data sets of other packages."""
    what = "plug-ins"
    broken = [plugin for plugin in plugins if plugin.problem]
    if broken:
        return warning(
            what,
            "; ".join(map(str, broken)),
            f"fix or uninstall {', '.join(sorted({plugin.package for plugin in broken}))}; all "
            "other methods and data sets work",
        )
    return ok(what, ", ".join(map(str, plugins)) or "none")


def check_process_settings() -> Diagnosis:
    """Check the floating-point mode and torch settings, which training sets to standard values."""
    name = "settings"
    try:
        with standard_state():
            pass
    except RuntimeError as error:
        return problem(name, str(error), "train in a process without that library")
    changes = [f"{caller}: {', '.join(changed)}" for caller, changed in all_changes().items()]
    if changes:
        advice = "report this to the authors of the plug-in; training restores the settings"
        return warning(name, f"changed by {'; '.join(changes)}", advice)
    found = deviations()
    if found:
        advice = "find the library that changes them; training restores them"
        return warning(name, f"not standard: {'; '.join(found)}", advice)
    return ok(name, "standard floating-point mode")


def check_kernels() -> Diagnosis:
    """Check that the training kernels compile, and for which processor."""
    what = "kernels"
    start = time.perf_counter()
    try:
        # Imported here: numba compiles when they are imported and first called.
        from search.experiment import Experiment
        from workers.kernel.instruction_set import backend_name
        from workers.train import train_batch

        row = train_batch([Experiment(structure=(2, 2, 1), epochs=1)]).to_pylist()[0]
    except Exception as error:  # whatever it is, this machine cannot train
        advice = "reinstall numba and llvmlite in the tested versions, and empty the cache folder"
        return problem(what, f"fail: {type(error).__name__}: {error}", advice)
    seconds = time.perf_counter() - start
    found = f"{backend_name()}, ready in {seconds:.1f} s"
    if row["status"] not in ("ok", "collapsed"):
        return problem(
            what, f"{backend_name()}: a test training has status {row['status']}", "report this"
        )
    if os.environ.get(ARITHMETIC):
        return warning(
            what, f"{found}, because of {ARITHMETIC}", f"unset {ARITHMETIC} to train faster"
        )
    if backend_name().endswith("generic"):
        advice = "a processor with AVX2, AVX-512 or NEON trains several times faster"
        return warning(what, found, advice)
    return ok(what, found)


def check_gpu(driver: Path = _NVIDIA) -> Diagnosis:
    """Check that torch can use the GPU, if there is one."""
    # Imported here: it takes seconds.
    import torch

    what = "gpu"
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        name = torch.cuda.get_device_name(0)
        major, minor = torch.cuda.get_device_capability(0)
        if f"sm_{major}{minor}" not in torch.cuda.get_arch_list():
            found = f"torch {torch.__version__} is not built for {name} (sm_{major}{minor})"
            return warning(
                what, found, "install a build of torch for this GPU, or use --device cpu"
            )
        return ok(what, f"{count} x {name}, torch {torch.__version__}")
    if driver.exists():
        return warning(
            what,
            f"a driver is loaded, but torch {torch.__version__} finds no CUDA device",
            "install the build of torch for this driver's CUDA, or train on the CPU",
        )
    return ok(what, "none; training uses the CPU")


def check_clock(now: float, code: float) -> Diagnosis:
    """Check the clock, which only dates sweeps, by the time of the newest source file."""
    text = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    if now < code - 86_400:
        advice = "set it (NTP), so that sweeps have correct dates; nothing else depends on it"
        return warning("clock", f"{text}, before this code was written", advice)
    return ok("clock", text)


WORKER_BYTES = 600_000_000
"""Memory of a training process with torch, numba and the rows of a task, rounded up."""

SLOW_CACHE_S = 2.0
"""Seconds for a small file above which the cache folder delays the start of every worker."""

_SAMPLE_BYTES = 2**20


def check_memory(total: int, cores: int) -> Diagnosis:
    """Check that there is memory, in bytes, for one worker per core."""
    workers = total // WORKER_BYTES
    if workers < 1:
        advice = f"a training process needs about {human_bytes(WORKER_BYTES)}"
        return problem("memory", human_bytes(total), advice)
    if workers < cores:
        found = f"{human_bytes(total)} for {cores} workers, one per core"
        return warning("memory", found, f"use --workers {workers}")
    return ok("memory", human_bytes(total))


def check_cache(folder: Path) -> Diagnosis:
    """Check that the folder for compiled kernels is writable, and how fast it is."""
    what = "cache folder"
    file = folder / f"doctor-{uuid4().hex}"
    start = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("wb") as stream:
                stream.write(bytes(_SAMPLE_BYTES))
                os.fsync(stream.fileno())
            file.read_bytes()
        finally:
            file.unlink(missing_ok=True)
    except OSError as error:
        return warning(
            what,
            f"{folder} is not writable ({error.strerror}): every process compiles the kernels",
            "set SPARSEST_CACHE to a folder on this machine",
        )
    seconds = time.perf_counter() - start
    found = f"{folder}, {human_bytes(_SAMPLE_BYTES / seconds)}/s"
    if seconds > SLOW_CACHE_S:
        return warning(what, found, "set SPARSEST_CACHE to a folder on a disk of this machine")
    return ok(what, found)
