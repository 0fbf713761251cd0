"""Making a store, and telling whether a folder is one."""

from __future__ import annotations

import json
import os

from storage import durable
from storage.errors import MarkerDamaged, NotAStore, StoreDamaged, StoreError, StoreVersion
from storage.log.seal import seal, unseal
from storage.paths import StorePaths
from storage.safe_open import read_regular

STORE_FORMAT = 1
"""Raised by one whenever the layout of a store changes."""

_MARK = "sparsest-store"


def marker_bytes() -> bytes:
    """What the marker of a new store holds."""
    return seal(json.dumps({"kind": _MARK, "format": STORE_FORMAT}))


def make_store_folder(paths: StorePaths) -> None:
    """Makes the folders of a store where they are missing; the marker is written by `mark_store`.

    Their names are durable only after the caller synchronises the folder of the store.

    Raises:
        NotAStore: the folder exists and holds something else.
        WriteFailed: a folder could not be made.
    """
    with durable.reporting("look into", paths.root):
        if paths.root.exists() and not paths.marker.exists():
            _refuse_foreign_folder(paths)
    for folder in paths.folders:
        durable.make_folders(folder)


def mark_store(paths: StorePaths) -> None:
    """Makes a folder with nothing stored a store; the caller holds its lock.

    The name of the marker is durable only after the caller synchronises the folder, which it has
    to do in any case: an earlier process may have died right here.

    Raises:
        MarkerDamaged: the marker is missing although something is stored.
        WriteFailed: the marker could not be written.
    """
    with durable.reporting("look into", paths.root):
        if paths.marker.exists():
            return
        if os.listdir(paths.log):
            raise MarkerDamaged(paths.marker, "missing, while the log has entries")
    # Whoever finds the marker finds the folders too.
    durable.sync_folder(paths.root)
    durable.sync_way_to(paths.root)
    aside = paths.new_temporary()
    durable.create_exclusive(aside, marker_bytes())
    durable.publish_link(aside, paths.marker)
    durable.remove(aside)


def check_marker(paths: StorePaths) -> None:
    """Passes where the folder is a store that this version can read.

    Raises:
        NotAStore: there is no store.
        MarkerDamaged: the marker is unreadable.
        StoreVersion: a newer version made the store.
    """
    for folder in paths.folders:
        # What a writer finds in them without a log entry, it removes.
        if folder.is_symlink():
            raise StoreDamaged(folder, "a link, while the folders of a store are its own")
    try:
        data = read_regular(paths.marker)
    except (FileNotFoundError, NotADirectoryError) as error:
        if paths.log.is_dir() and os.listdir(paths.log):
            raise MarkerDamaged(paths.marker, "missing, while the log has entries") from error
        if paths.root.is_file():
            raise NotAStore(f"{paths.root} is a file, while a store is a folder.") from error
        raise NotAStore(
            f"There is no store at {paths.root}. "
            f"`sparsest run STUDY --store {paths.root}` makes one."
        ) from error
    except OSError as error:
        raise StoreError(f"Could not read {paths.marker}: {error.strerror}.") from error
    try:
        record = json.loads(unseal(data))
        kind, written = record["kind"], record["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MarkerDamaged(paths.marker, f"not the marker of a store ({error})") from error
    if kind != _MARK or not isinstance(written, int):
        raise MarkerDamaged(paths.marker, "not the marker of a store")
    if written > STORE_FORMAT:
        raise StoreVersion(
            f"The store {paths.root} has format {written}; this version of sparsest reads up to "
            f"{STORE_FORMAT}. Use the version that made it, or a newer one."
        )


def _refuse_foreign_folder(paths: StorePaths) -> None:
    if not paths.root.is_dir():
        raise NotAStore(f"{paths.root} is a file; a store is a folder.")
    # The marker too: another writer may have made it since it was looked for.
    own = {place.name for place in (*paths.folders, paths.lock, paths.origin, paths.marker)}
    foreign = sorted(set(os.listdir(paths.root)) - own)
    if foreign:
        raise NotAStore(
            f"{paths.root} is not a store and not empty (it holds {foreign[0]}). Name an empty or "
            "a new folder."
        )
