"""The location of a store: a folder, or an address on S3 with a working copy in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from storage.errors import BadAddress
from storage.remote.objects import S3Address, is_address


@dataclass(frozen=True)
class StoreOnS3:
    """A store on S3.

    Attributes:
        may_be_missing: True if the command accepts a missing store.
    """

    address: S3Address
    may_be_missing: bool

    def folder(self) -> Path:
        """Return the folder of the working copy, after updating it, or raise a `StoreError`."""
        # Imported here: it takes longer than most commands, whose stores are folders.
        from search.cache_folder import cache_folder
        from storage.remote.working_copy import working_copy

        return working_copy(self.address, cache_folder(), may_be_missing=self.may_be_missing)


def store_location(text: str) -> Path | StoreOnS3:
    """Return the location of a store that has to exist, without looking at it.

    Raises:
        typer.BadParameter: the text is not a valid address on S3.
    """
    return _location(text, may_be_missing=False)


def new_store_location(text: str) -> Path | StoreOnS3:
    """Return the location of a store that may be missing; see `store_location`."""
    return _location(text, may_be_missing=True)


def local_argument(argument: object) -> object:
    """Return an argument, or a list of them, with folders instead of stores on S3."""
    if isinstance(argument, list):
        return [local_argument(item) for item in argument]
    return argument.folder() if isinstance(argument, StoreOnS3) else argument


def _location(text: str, *, may_be_missing: bool) -> Path | StoreOnS3:
    if not is_address(text):
        return Path(text)
    try:
        return StoreOnS3(S3Address.parse(text), may_be_missing)
    except BadAddress as error:
        raise typer.BadParameter(str(error)) from error
