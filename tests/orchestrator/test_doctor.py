"""`sparsest doctor`: what it checks and how severe its findings are."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from orchestrator.doctor import software, store
from orchestrator.doctor.diagnosis import Diagnosis
from orchestrator.doctor.node_report import NodeReport, code_digest, node_report
from storage.reading import connections
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import output_of, sparsest, start
from workers.kernel.instruction_set import ARITHMETIC

Usage = namedtuple("Usage", "total used free")


def level(finding: Diagnosis) -> str:
    """Return the level of a finding, which has advice unless it is ok."""
    assert (finding.level == "ok") == (finding.advice == "")
    return finding.level


@pytest.fixture(autouse=True)
def kernels_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "cache_folder", lambda: cache)


@pytest.fixture
def constraints(tmp_path: Path) -> Path:
    file = tmp_path / "constraints.txt"
    file.write_text("# of everything\nnumba==1.0\ntorch==2.0\nduckdb==3.0\npyarrow==4.0\n")
    return file


TESTED = {"numba": "1.0", "torch": "2.0+cu130", "duckdb": "3.0", "pyarrow": "4.0", "python": "3"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "ok"),
        ({"numba": "1.1"}, "warning"),
        ({"torch": "2.1+cpu"}, "problem"),
        ({"duckdb": None}, "problem"),
    ],
)
def test_versions_are_compared_with_the_tested_ones(
    constraints: Path, changes: dict[str, str | None], expected: str
) -> None:
    installed = {n: v for n, v in (TESTED | changes).items() if v is not None}
    found = software.check_packages(installed, constraints)
    assert level(found) == expected
    assert all(name in found.advice for name in changes)


def test_missing_constraints_are_a_warning(tmp_path: Path) -> None:
    assert level(software.check_packages(TESTED, tmp_path / "none")) == "warning"


def test_old_python_and_wrong_clock_are_found() -> None:
    assert level(software.check_python((3, 10, 9))) == "problem"
    assert level(software.check_python((3, 11, 0))) == "ok"
    assert level(software.check_clock(0.0, 1.7e9)) == "warning"
    assert level(software.check_clock(1.8e9, 1.7e9)) == "ok"


def test_broken_kernels_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert level(software.check_kernels()) in ("ok", "warning")
    monkeypatch.setenv(ARITHMETIC, "generic")
    assert level(software.check_kernels()) == "warning"

    def broken(*args: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr("workers.train.train_batch", broken)
    found = software.check_kernels()
    assert level(found) == "problem"
    assert "no compiler" in found.found


def test_gpu_that_torch_cannot_use_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert level(software.check_gpu(tmp_path / "none")) == "ok"
    assert level(software.check_gpu(tmp_path)) == "warning"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda index: "a GPU")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda index: (9, 0))
    for built, expected in ((["sm_80"], "warning"), (["sm_80", "sm_90"], "ok")):
        monkeypatch.setattr("torch.cuda.get_arch_list", lambda built=built: built)
        assert level(software.check_gpu(tmp_path)) == expected


def test_memory_limit_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "limit"
    monkeypatch.setattr(connections, "CGROUP_LIMITS", (tmp_path / "none", file))
    file.write_text("1000000\n")
    assert connections.container_memory() == 1_000_000
    file.write_text("max\n")
    assert connections.container_memory() > 10**12


def test_memory_for_one_worker_per_core_is_checked() -> None:
    expected = ((10**8, "problem"), (2 * 10**9, "warning"), (10**10, "ok"))
    for total, severity in expected:
        assert level(software.check_memory(total, 4)) == severity


def test_cache_that_is_not_writable_is_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert level(software.check_cache(folder)) == "ok"
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    assert level(software.check_cache(tmp_path / "file" / "cache")) == "warning"


@pytest.mark.parametrize(
    ("free", "expected"), [(10**6, "problem"), (10**8, "warning"), (10**10, "ok")]
)
def test_full_disk_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 0, free))
    assert level(store.check_space(tmp_path)) == expected


def test_network_file_system_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = {"/": "ext4", "/mnt/big disk": "nfs4", "/mnt": "xfs"}
    partitions = [SimpleNamespace(mountpoint=point, fstype=kind) for point, kind in mounted.items()]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: partitions)
    for folder, kind in (
        ("/mnt/big disk/runs", "nfs4"),
        ("/mnt/other", "xfs"),
        ("/home", "ext4"),
    ):
        found = store.check_kind(Path(folder))
        assert found.found.startswith(kind)
        assert level(found) == ("warning" if kind == "nfs4" else "ok")


def test_file_system_without_links_or_locks_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert level(store.check_links_and_locks(folder)) == "ok"

    def refused(*args: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def link(source: Path, target: Path) -> None:
        shutil.copy(source, target)

    for name, replacement in (("os.link", refused), ("fcntl.flock", refused), ("os.link", link)):
        with monkeypatch.context() as patch:
            patch.setattr(f"orchestrator.doctor.store.{name}", replacement)
            assert level(store.check_links_and_locks(folder)) == "problem"
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda file, how: None)
        assert "one lock" in store.check_links_and_locks(folder).found
    assert list(folder.iterdir()) == []


def test_damaged_store_is_a_problem(trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "store"))
    before = sorted(copy.rglob("*"))
    words = ("doctor", "--store", copy, "--json")
    ended = sparsest(*words)
    assert ended.code == 0
    findings = {finding["what"]: finding for finding in json.loads(ended.out)}
    assert findings["store"]["found"] == "6 rows in 1 file, every byte as it was written"
    assert sorted(copy.rglob("*")) == before
    with StoreWriter(copy, command="a sweep"):
        assert "written by process" in store.check_content(copy).found
    (part,) = (copy / "data").iterdir()
    part.unlink()
    ended = sparsest("doctor", "--store", copy)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("problem")]
    assert f"store: {part}: " in line


def test_store_without_its_marker_or_log_is_a_problem(trained: Path, tmp_path: Path) -> None:
    for lost in (["store.json"], ["store.json", "log"]):
        copy = Path(shutil.copytree(trained, tmp_path / "-".join(lost)))
        for name in lost:
            path = copy / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        ended = sparsest("doctor", "--store", copy)
        assert ended.code == 1
        assert "problem" in ended.out


def test_store_without_its_empty_folder_is_sound(trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "store"))
    (copy / "tmp").rmdir()
    assert sparsest("doctor", "--store", copy).code == 0


def test_folder_with_other_files_is_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    assert sparsest("doctor", "--store", tmp_path).code == 1


def test_missing_store_stays_missing(tmp_path: Path) -> None:
    ended = sparsest("doctor", "--store", tmp_path / "a" / "store")
    assert ended.code == 0
    assert str(tmp_path / "a" / "store") in ended.out
    assert not (tmp_path / "a").exists()


def test_digest_of_the_code_depends_on_every_file(tmp_path: Path) -> None:
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    before = code_digest(tmp_path)
    (folder / "b.py").touch()
    assert code_digest(tmp_path) != before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "ok"),
        ({"host": "other", "cores": 99}, "ok"),
        ({"backend": "numba-sse9"}, "warning"),
        ({"code": "0"}, "problem"),
        ({"versions": {"python": "2.7"}}, "problem"),
    ],
)
def test_nodes_are_compared_with_this_machine(changes: dict[str, Any], expected: str) -> None:
    from orchestrator.doctor.cluster import compare_nodes

    local: NodeReport = node_report()
    found = compare_nodes("node", local, replace(local, **changes))
    assert level(found) == expected


def test_unreachable_cluster_is_a_problem() -> None:
    from orchestrator.cluster.session import reachable
    from orchestrator.doctor.cluster import check_ray

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert reachable(address)
        assert reachable(f"ray://{address}")
    (found,) = check_ray(address)
    assert level(found) == "problem"
    assert address in found.found
    assert not reachable("127.0.0.1:999999")
    assert reachable("auto")


def test_ray_that_does_not_start_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from orchestrator.doctor.cluster import check_ray

    def late(**options: object) -> None:
        raise Exception("The current node timed out during startup")

    monkeypatch.setattr(ray, "init", late)
    (found,) = check_ray(None)
    assert level(found) == "problem"
    assert "The current node timed out" in found.found


def test_ray_is_started_and_its_node_checked() -> None:
    with start("orchestrator.cli", "doctor", "--ray", "--json") as command:
        out, err = output_of(command)
    assert command.returncode == 0, err
    findings = json.loads(out)
    assert findings[-2]["what"] == "ray"
    assert findings[-1]["what"].startswith("node ")
    assert findings[-1]["level"] == "ok"
