"""Hostile files given as stored initialisations: no code in them runs, and reading never blocks."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.faults.watching import contents, watching
from tests.orchestrator.running import sparsest
from workers.stored_init import STORED_SHAPES, load_stored_init


class Runs:
    """An object whose unpickling calls a function."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._call = call, arguments

    def __reduce__(self) -> Any:
        return self._call


def state(**changes: Any) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    for layer, shape in STORED_SHAPES.items():
        tensors[f"{layer}.weight"] = torch.zeros(shape)
        tensors[f"{layer}.bias"] = torch.zeros(shape[:1])
    return tensors | {name.replace("__", "."): value for name, value in changes.items()}


def saved(value: object, *, legacy: bool = False) -> bytes:
    sink = io.BytesIO()
    torch.save(value, sink, _use_new_zipfile_serialization=not legacy)
    return sink.getvalue()


def tensor_bytes(*size: int, storage: int = 1) -> bytes:
    """Return a zip file whose pickle declares a tensor larger than its storage."""
    content = saved(state(clf__bias=torch.zeros(1)))
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("data.pkl"):
                # Size (1,) of the last tensor, before its stride: BININT1 1, TUPLE1.
                start = data.rindex(b"K\x01\x85", 0, data.rindex(b"K\x01\x85"))
                claimed = b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in size)
                data = data[:start] + b"(" + claimed + b"t" + data[start + 3 :]
            new.writestr(name, data)
    return sink.getvalue()


def deflated_bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\x80\x02" + b"0" * 300_000_000 + b".")
        file.writestr("archive/version", b"3\n")
    return sink.getvalue()


def with_member(name: str) -> bytes:
    sink = io.BytesIO(saved(state()))
    with zipfile.ZipFile(sink, "a") as file:
        file.writestr(name, "x")
    return sink.getvalue()


def tar_of(trap: Path) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as file:
        for name in ("storages", "tensors", "pickle"):
            data = pickle.dumps(Runs(Path.touch, trap))
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return sink.getvalue()


def deep() -> bytes:
    return b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "zip that touches": lambda trap: saved(state(clf__bias=Runs(Path.touch, trap))),
    "zip that runs a shell": lambda trap: saved(Runs(os.system, f"touch {trap}")),
    "zip that evaluates": lambda trap: saved(Runs(eval, f"open({str(trap)!r}, 'w')")),
    "zip that executes": lambda trap: saved(Runs(exec, f"open({str(trap)!r}, 'w')")),
    "zip that opens": lambda trap: saved(Runs(open, str(trap), "w")),
    "zip that removes": lambda trap: saved(Runs(os.unlink, str(trap.with_name("init.pt")))),
    "zip with a class of the caller": lambda trap: saved(OrderedDict(a=Path(trap))),
    "legacy that touches": lambda trap: saved(Runs(Path.touch, trap), legacy=True),
    "legacy that runs a shell": lambda trap: saved(Runs(os.system, f"touch {trap}"), legacy=True),
    "legacy in a state": lambda trap: saved(state(clf__bias=Runs(Path.touch, trap)), legacy=True),
    "plain pickle": lambda trap: pickle.dumps(Runs(Path.touch, trap)),
    "plain pickle, protocol 0": lambda trap: pickle.dumps(Runs(Path.touch, trap), protocol=0),
    "plain pickle that runs a shell": lambda trap: pickle.dumps(Runs(os.system, f"touch {trap}")),
    "tar": tar_of,
    "torchscript": lambda trap: with_member("archive/constants.pkl"),
    "member that leads out": lambda trap: with_member("../../executed"),
    "deep pickle": lambda trap: deep(),
    "half a zip": lambda trap: saved(state())[:1500],
    "half a legacy file": lambda trap: saved(state(), legacy=True)[:900],
    "one byte": lambda trap: b"\x80",
    "nothing": lambda trap: b"",
    "huge square": lambda trap: tensor_bytes(10**9, 10**9),
    "huge row": lambda trap: tensor_bytes(2**62),
    "negative": lambda trap: tensor_bytes(-1),
    "many dimensions": lambda trap: tensor_bytes(*[1] * 1000),
    "deflated bomb": lambda trap: deflated_bomb(),
    "huge file": lambda trap: b"\x80" * (2 << 20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_without_running_it(name: str, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    path = tmp_path / "init.pt"
    path.write_bytes(HOSTILE[name](trap))
    before = contents(tmp_path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with watching(), pytest.raises(ValueError, match=r"init\.pt"):
        load_stored_init(path, "bench-95")
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert name not in ("huge file", "deflated bomb") or grown_kb < 100_000
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a pipe"])
def test_path_that_is_not_a_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "init.pt"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    with watching(), pytest.raises(ValueError, match=r"init\.pt|/dev/zero"):
        load_stored_init(path, "bench-95")


def test_run_with_a_hostile_file_creates_no_store(tmp_path: Path) -> None:
    trap, path = tmp_path / "executed", tmp_path / "init.pt"
    path.write_bytes(HOSTILE["zip that touches"](trap))
    words = ("run", "fixed95-phase1", "--store", tmp_path / "store", "--bench-95", path)
    ended = sparsest(*words, "--executor", "inline", "--device", "cpu")
    assert ended.code == 1
    assert str(path) in ended.err
    assert not trap.exists()
    assert not (tmp_path / "store").exists()
