"""The number of cores that this process may use."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
PROCESS_CGROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return the cores of this process: those it is pinned to, within its quota of CPU time.

    A job of a cluster is often pinned to a part of the machine; a container often has a quota.
    """
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        cores = len(process.cpu_affinity() or ())
    else:  # macOS
        cores = psutil.cpu_count() or 1
    return max(1, min([cores, *map(ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """Yield the quotas of the process's control groups and of those above them, in cores."""
    try:
        lines = PROCESS_CGROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 2 has one hierarchy, version 1 one for each set of controllers. Inside a container
        # the group is often mounted as the root, and its path leads nowhere.
        root, path = CGROUPS / controllers, Path(group.lstrip("/"))
        for folder in {root / part for part in (path, *path.parents)}:
            try:
                quota = _quota(folder, version_1=bool(controllers))
            except (OSError, ValueError):
                continue
            if quota > 0:
                yield quota


def _quota(folder: Path, *, version_1: bool) -> float:
    """Return the cores of a control group; 0 or less if it has no quota."""
    if version_1:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        quota, period = ((folder / name).read_text() for name in names)
    else:
        quota, period = (folder / "cpu.max").read_text().split()
    return 0.0 if quota == "max" else int(quota) / int(period)
