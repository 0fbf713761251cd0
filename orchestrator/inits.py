"""Stored initialisations: from files and from the store, one of each name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import UserError
from search.layers import StoredInit
from storage.log.inits import FrozenInit
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from workers.stored_init import load_stored_init


def tokens(inits: Mapping[str, FrozenInit]) -> dict[str, str]:
    """Name -> NAME:DIGEST of a store's initialisations."""
    return {name: init.token for name, init in inits.items()}


def read_inits(files: Mapping[str, Path | None]) -> dict[str, StoredInit]:
    """The initialisations of those files that were given, by name.

    Raises:
        UserError: a file that cannot be read or that holds something else.
    """
    return {name: _read(path, name) for name, path in files.items() if path is not None}


def _read(path: Path, name: str) -> StoredInit:
    try:
        return load_stored_init(path, name)
    except OSError as error:
        raise UserError(f"--{name} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--{name} {error}") from error


def inits_in(store: Path) -> Mapping[str, FrozenInit]:
    """The initialisations of a store that perhaps does not exist yet, by name."""
    if not StorePaths.of(store).marker.exists():
        return {}
    with StoreReader(store) as reader:
        return reader.inits


def combined(
    in_store: Mapping[str, FrozenInit], given: Mapping[str, StoredInit]
) -> dict[str, StoredInit]:
    """The store's initialisations and the given ones, by name.

    Raises:
        UserError: a given one is not the one that the store has under that name.
    """
    # Plain ones, because workers do not load `storage`.
    known = {name: StoredInit(name, init.digest, init.layers) for name, init in in_store.items()}
    for name, init in given.items():
        if name in known and known[name].digest != init.digest:
            raise UserError(
                f"this store's {name} is {known[name].digest}, the file given is {init.digest}: "
                f"leave --{name} out to go on with the store's, or use another store"
            )
    return known | dict(given)
