"""The folder in which this machine keeps a copy of a store on S3.

It is a store like any other. Only its `origin.json` makes its writer publish to S3 first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from storage import durable
from storage.errors import StoreLocked
from storage.lock import StoreLock
from storage.paths import StorePaths
from storage.remote.address import S3Address
from storage.remote.errors import NoRemoteStore
from storage.remote.objects import ObjectStore
from storage.remote.origin import Origin, record_origin


def working_copy(address: S3Address, cache: Path, *, may_be_missing: bool = False) -> Path:
    """Update the working copy of a store and return its folder.

    If another process on this machine is writing to the working copy, it is not updated: it has
    everything that process has stored.

    Args:
        address: address of the store.
        cache: folder of the working copies.
        may_be_missing: whether the store may not exist yet; a writer then creates it, on S3 and in
            the returned folder.

    Raises:
        NoRemoteStore: there is no store.
        StoreError: the store cannot be read.
    """
    objects = ObjectStore(address)
    # Several services may have a bucket of the same name.
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
    except NoRemoteStore:
        if not may_be_missing or paths.marker.exists():
            raise
    finally:
        lock.release()
    return paths.root
