"""Creating a store, and checking whether a folder is one.

An input/output error is raised as `WriteFailed` or another `StoreError`.
"""

from __future__ import annotations

import json
import os
from shlex import quote

from storage import durable
from storage.errors import (
    LogMissing,
    MarkerDamaged,
    NoStoreYet,
    NotAStore,
    StoreDamaged,
    StoreError,
    check_readable,
)
from storage.log.seal import seal, unseal
from storage.paths import StorePaths, is_system_file
from storage.safe_open import read_regular
from storage.unnamed import has_entries, has_lost_its_log

STORE_FORMAT = 1
"""Version of the layout of a store."""

_KIND = "sparsest-store"


def marker_bytes() -> bytes:
    """Return the content of the marker of a new store."""
    return seal(json.dumps({"kind": _KIND, "format": STORE_FORMAT}))


def make_store_folder(paths: StorePaths) -> None:
    """Make the folders of a store where they are missing; `mark_store` writes the marker.

    Their names are durable only after the caller synchronises the folder of the store.

    Raises:
        NotAStore: the folder exists and holds something else.
    """
    with durable.reporting("read", paths.root):
        if paths.root.exists() and not paths.marker.exists():
            _refuse_foreign_folder(paths)
    durable.make_folders(*paths.folders)


def mark_store(paths: StorePaths) -> None:
    """Make an empty folder a store; the caller holds its lock.

    The name of the marker is durable only after the caller synchronises the folder. The caller
    always has to, because an earlier process may have died right here.

    Raises:
        LogMissing: the folder has data files, and no log.
        MarkerDamaged: the marker is missing although something is stored.
    """
    with durable.reporting("read", paths.root):
        if paths.marker.exists():
            return
        _check_contents(paths)
    write_marker(paths)


def write_marker(paths: StorePaths) -> None:
    """Write the marker of a store whose folders exist and whose lock is held."""
    # A process that sees the marker must see the folders too.
    durable.sync_folder(paths.root)
    durable.sync_parents(paths.root)
    temporary = paths.new_temporary()
    durable.create_exclusive(temporary, marker_bytes())
    durable.publish_link(temporary, paths.marker)
    durable.remove(temporary)


def check_marker(paths: StorePaths) -> None:
    """Check that the folder is a store that this version can read.

    Raises:
        NotAStore: there is no store.
        LogMissing: the store has data files, and no log.
        MarkerDamaged: the marker is unreadable.
        StoreDamaged: a folder of the store is a link.
        StoreVersion: a newer version made the store.
    """
    check_folders(paths)
    try:
        check_format(paths)
    except FileNotFoundError as error:
        _check_contents(paths)
        if paths.root.exists():
            _refuse_foreign_folder(paths)
        raise NoStoreYet(
            f"No store at {paths.root}. Check the path, or create one with `sparsest run STUDY "
            f"--store {quote(str(paths.root))}`."
        ) from error
    _check_log(paths)


def check_folders(paths: StorePaths) -> None:
    """Raise StoreDamaged if a folder of a store is a link: writers add and remove files there."""
    for folder in (*paths.folders, paths.quarantine):
        if folder.is_symlink():
            raise StoreDamaged(folder, "a link, while the folders of a store are real ones")


def check_format(paths: StorePaths) -> None:
    """Check that this version can read a store of the format that its marker names.

    Raises:
        FileNotFoundError: there is no marker.
        MarkerDamaged, StoreVersion: as for `check_marker`.
    """
    try:
        data = read_regular(paths.marker)
    except NotADirectoryError as error:
        raise FileNotFoundError(paths.marker) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"Could not read {paths.marker}: {error.strerror}.") from error
    try:
        record = json.loads(unseal(data))
        kind, written = record["kind"], record["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MarkerDamaged(paths.marker, f"not the marker of a store ({error})") from error
    if kind != _KIND or not isinstance(written, int):
        raise MarkerDamaged(paths.marker, "not the marker of a store")
    check_readable(paths.root, "format", written, STORE_FORMAT)


def _check_contents(paths: StorePaths) -> None:
    """Check that a folder without a marker has no rows either."""
    _check_log(paths)
    if has_entries(paths):
        raise MarkerDamaged(paths.marker, "missing, while the log has entries")


def _check_log(paths: StorePaths) -> None:
    try:
        lost = has_lost_its_log(paths)
    except OSError as error:
        raise StoreError(f"Could not list {error.filename}: {error.strerror}.") from error
    if lost:
        raise LogMissing(paths.log, "has no entries, while there are data files")


def _refuse_foreign_folder(paths: StorePaths) -> None:
    if not paths.root.is_dir():
        raise NotAStore(f"{paths.root} is a file; a store is a folder.")
    # The marker is among them because another writer may have made it a moment ago.
    own = {path.name for path in (*paths.folders, paths.lock, paths.origin, paths.marker)}
    foreign = sorted(
        name for name in os.listdir(paths.root) if name not in own and not is_system_file(name)
    )
    if foreign:
        raise NotAStore(
            f"{paths.root} is not a store and not empty (it holds {foreign[0]!a}). Name a store, "
            "or for a new one a folder that is empty or does not exist."
        )
