"""The number of usable cores: pinned cores within the quota of a container."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from orchestrator import cores


@pytest.fixture(autouse=True)
def eight_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose control groups are in a folder of the test."""
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: list(range(8)))
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "PROCESS_CGROUPS", tmp_path / "process")
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_cores_without_quota_are_those_the_process_is_pinned_to(tmp_path: Path) -> None:
    assert cores.usable_cores() == 8
    write(tmp_path / "process", "0::/user\n")
    write(tmp_path / "user" / "cpu.max", "max 100000\n")
    assert cores.usable_cores() == 8


@pytest.mark.parametrize(("quota", "expected"), [("150000", 2), ("50000", 1), ("9900000", 8)])
def test_quota_of_cgroup_v2_counts(quota: str, expected: int, tmp_path: Path) -> None:
    write(tmp_path / "process", "0::/docker/abc\n")
    write(tmp_path / "docker" / "abc" / "cpu.max", f"{quota} 100000\n")
    assert cores.usable_cores() == expected


def test_quota_of_a_group_above_counts(tmp_path: Path) -> None:
    write(tmp_path / "process", "0::/pod/container\n")
    write(tmp_path / "pod" / "container" / "cpu.max", "max 100000\n")
    write(tmp_path / "pod" / "cpu.max", "300000 100000\n")
    assert cores.usable_cores() == 3


def test_quota_of_a_group_that_is_mounted_as_the_root_counts(tmp_path: Path) -> None:
    write(tmp_path / "process", "0::/not/visible/here\n")
    write(tmp_path / "cpu.max", "200000 100000\n")
    assert cores.usable_cores() == 2


def test_quota_of_cgroup_v1_counts(tmp_path: Path) -> None:
    write(tmp_path / "process", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    folder = tmp_path / "cpu,cpuacct" / "docker" / "abc"
    write(folder / "cpu.cfs_quota_us", "250000\n")
    write(folder / "cpu.cfs_period_us", "100000\n")
    assert cores.usable_cores() == 3
    write(folder / "cpu.cfs_quota_us", "-1\n")
    assert cores.usable_cores() == 8
