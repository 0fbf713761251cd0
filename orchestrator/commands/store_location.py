"""Where a store is: a folder, or on S3; a command is given a folder in both cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from storage.remote.address import S3Address, is_address
from storage.remote.errors import BadAddress


@dataclass(frozen=True)
class StoreOnS3:
    """A store that the user has named by its address on S3.

    Attributes:
        address: of the store.
        may_be_missing: whether the command goes on where there is none.
    """

    address: S3Address
    may_be_missing: bool

    def folder(self) -> Path:
        """The folder of its working copy, brought up to date.

        Raises:
            StoreError: the store cannot be read.
        """
        # Imported here: it takes longer than most commands, whose stores are folders.
        from storage.remote.working_copy import working_copy
        from workers.cache_folder import cache_folder

        return working_copy(self.address, cache_folder(), may_be_missing=self.may_be_missing)


def store_location(text: str) -> Path | StoreOnS3:
    """What the user names as a store that must exist; nothing is looked at yet.

    Raises:
        typer.BadParameter: an address on S3 that is none.
    """
    return _place(text, may_be_missing=False)


def new_store_location(text: str) -> Path | StoreOnS3:
    """Like `store_location`, of a store that need not exist."""
    return _place(text, may_be_missing=True)


def local_argument(argument: object) -> object:
    """An argument of a command; in place of a store on S3, the folder of its working copy.

    Args:
        argument: of any type; in a list, every one is looked at.

    Raises:
        StoreError: the store on S3 cannot be read.
    """
    if isinstance(argument, list):
        return [local_argument(one) for one in argument]
    return argument.folder() if isinstance(argument, StoreOnS3) else argument


def _place(text: str, *, may_be_missing: bool) -> Path | StoreOnS3:
    if not is_address(text):
        return Path(text)
    try:
        return StoreOnS3(S3Address.parse(text), may_be_missing)
    except BadAddress as error:
        raise typer.BadParameter(str(error)) from error
