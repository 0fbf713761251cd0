"""Checks of a store and of its file system."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

from orchestrator.display.formatting import counted, human_bytes
from orchestrator.doctor.diagnosis import Diagnosis, ok, problem, warning
from orchestrator.invocation import program
from storage.checking.verify import verify_store
from storage.errors import NoStoreYet, StoreError
from storage.lock import current_holder
from storage.marker import check_marker
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.working_copy import store_name

LOW_BYTES = 1_000_000_000
"""Free space below which there is a warning."""

MIN_BYTES = 50_000_000
"""Free space below which there is a problem."""

_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "lustre", "gpfs", "beegfs", "ceph", "fuse.")
"""Prefixes of the names of file systems that several machines can share."""

_ADVICE = "see docs/manage-a-store.md"


def check_store(store: Path) -> Iterator[Diagnosis]:
    """Yield all results of this module."""
    paths = StorePaths(store)
    # Test files go where the store keeps its temporary ones.
    candidates = (paths.tmp, paths.root, *paths.root.parents)
    folder = next(folder for folder in candidates if folder.is_dir())
    yield check_space(folder)
    yield check_kind(folder)
    yield check_links_and_locks(folder)
    try:
        check_marker(paths)
    except NoStoreYet:
        yield ok("store", f"there is no store at {store_name(paths)} yet")
    except StoreError as error:
        yield problem("store", str(error), _ADVICE)
    else:
        yield check_content(store)


def check_space(folder: Path) -> Diagnosis:
    """Check the free disk space."""
    free = shutil.disk_usage(folder).free
    found = f"{human_bytes(free)} free"
    advice = "free some space: the rows of the paper take 0.1 GB, larger sweeps 220 bytes per row"
    if free < MIN_BYTES:
        return problem("disk", found, advice)
    return warning("disk", found, advice) if free < LOW_BYTES else ok("disk", found)


def check_kind(folder: Path) -> Diagnosis:
    """Check the kind of the file system that a folder is on."""
    mounted = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    above = [point for point in mounted if folder.resolve().is_relative_to(point)]
    kind = mounted[max(above, key=lambda point: len(point.parts))] if above else "unknown"
    if kind.startswith(_NETWORK):
        return warning(
            "file system",
            f"{kind}, which several machines can share",
            "let one machine write to a store at a time; a local disk is faster and safer (for "
            "several machines: --shard, then merge)",
        )
    return ok("file system", kind)


def check_links_and_locks(folder: Path) -> Diagnosis:
    """Check that hard links never replace a file and that locks exclude: commits need both."""
    what = "links and locks"
    first, second = (folder / uuid4().hex for _ in range(2))
    try:
        first.touch(exist_ok=False)
        os.link(first, second)
        with suppress(FileExistsError):
            os.link(first, second)
            return problem(what, "a hard link replaced a file", "use another file system")
        if not _locks(first):
            return problem(
                what,
                "two processes can hold one lock",
                "use a local disk, or mount it with locks (NFS: not with nolock)",
            )
    except OSError as error:
        advice = "use a writable file system with hard links and flock"
        return problem(what, f"fail in {folder}: {error.strerror}", advice)
    finally:
        for file in (first, second):
            with suppress(OSError):
                file.unlink(missing_ok=True)
    return ok(what, "work")


def check_content(store: Path) -> Diagnosis:
    """Check that log and data files are as they were written, by reading all of them."""
    try:
        problems = verify_store(store)
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            command = f"{program()} verify --store {shlex.quote(str(store))}"
            advice = f"{problems[0].advice} (`{command}` lists all)"
            return problem("store", f"{problems[0]}{more}", advice)
        with StoreReader(store) as reader:
            state, holder = reader.state, current_holder(reader.paths)
    except StoreError as error:
        return problem("store", str(error), _ADVICE)
    rows, files = counted(state.rows, "row"), counted(len(state.parts), "file")
    busy = "" if holder is None else f"; written by {holder}"
    return ok("store", f"{rows} in {files}, every byte as it was written{busy}")


def _locks(file: Path) -> bool:
    """Return whether a locked file cannot be locked again."""
    with file.open("r+b") as one, file.open("r+b") as other:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
