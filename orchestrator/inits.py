"""Stored initialisations from files and from the store, one of each name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import UserError
from search.layers import StoredInit
from storage.log.inits import FrozenInit
from workers.stored_init import load_stored_init


def tokens(inits: Mapping[str, FrozenInit]) -> dict[str, str]:
    """Return NAME:DIGEST of a store's initialisations, by name."""
    return {name: init.token for name, init in inits.items()}


def read_inits(files: Mapping[str, Path | None]) -> dict[str, StoredInit]:
    """Return the initialisations of the files that the user has named, by name.

    Raises:
        UserError: a file cannot be read or holds something else.
    """
    return {name: _read(path, name) for name, path in files.items() if path is not None}


def _read(path: Path, name: str) -> StoredInit:
    try:
        return load_stored_init(path, name)
    except OSError as error:
        raise UserError(f"--{name} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--{name} {error}") from error


def combined(
    in_store: Mapping[str, FrozenInit], from_files: Mapping[str, StoredInit]
) -> dict[str, StoredInit]:
    """Return the initialisations of a store and of files, by name.

    Raises:
        UserError: a file has another initialisation than the store has under that name.
    """
    # Plain ones, because workers do not load `storage`.
    known = {name: StoredInit(name, init.digest, init.layers) for name, init in in_store.items()}
    for name, init in from_files.items():
        if name in known and known[name].digest != init.digest:
            raise UserError(
                f"this store's {name} is {known[name].digest}, that of the file is {init.digest}: "
                f"leave --{name} out to use the store's, or use another store"
            )
    return known | dict(from_files)
