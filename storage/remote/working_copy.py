"""The folder in which this machine keeps a copy of a store on S3.

It is a store like any other, which DuckDB and everything else read; only its origin, `origin.json`,
makes its writer publish on S3 before it publishes here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from storage import durable
from storage.errors import StoreLocked
from storage.lock import StoreLock
from storage.paths import StorePaths
from storage.remote.address import S3Address
from storage.remote.errors import NothingThere
from storage.remote.objects import ObjectStore
from storage.remote.origin import Origin, record_origin


def working_copy(address: S3Address, cache: Path, *, may_be_missing: bool = False) -> Path:
    """Folder of the working copy, brought up to date.

    Where a process of this machine is writing to the working copy, it is left to that one: what it
    has stored is there.

    Args:
        address: of the store.
        cache: folder in which working copies are kept.
        may_be_missing: whether there need not be a store yet; its working copy is none then either,
            until a writer makes both.

    Raises:
        NothingThere: there is no store.
        StoreError: the store cannot be read.
    """
    objects = ObjectStore(address)
    # One bucket's name may be in use at several services.
    digest = hashlib.sha256(f"{objects.endpoint} {address}".encode()).hexdigest()[:12]
    name = f"{address.bucket}-{address.prefix.replace('/', '-')[-60:]}-{digest}"
    paths = StorePaths.of(cache / "s3" / name)
    for folder in paths.folders:
        durable.make_folders(folder)
    try:
        lock = StoreLock(paths, f"sparsest, reading {address}")
    except StoreLocked:
        return paths.root
    try:
        if not paths.origin.exists():
            record_origin(paths, address, objects.endpoint)
        Origin(paths, objects).pull()
    except NothingThere:
        if not may_be_missing or paths.marker.exists():
            raise
    finally:
        lock.release()
    return paths.root
