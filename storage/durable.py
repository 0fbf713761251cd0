"""The input/output calls by which a store changes.

Every change of a store's folders goes through this module and through its name `os`, so that a
test can count the calls, make one fail, or end the process at any of them. A function whose call
fails raises `WriteFailed`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.errors import NumberTaken, WriteFailed

_FILE_MODE = 0o444  # files of a store never change


def make_folders(*paths: Path) -> None:
    """Make folders and their parents where they are missing; their names are not durable yet."""
    for path in paths:
        missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
        for folder in reversed(missing):
            with reporting("make the folder", folder), suppress(FileExistsError):
                os.mkdir(folder)


def sync_parents(path: Path) -> None:
    """Make the name of a file or folder durable, and the names of the folders above it.

    Stops at the first folder that this user cannot write to. The folders above the store are
    included because the process that made them may have died before their names were durable.
    """
    for folder in path.parents:
        if not os.access(folder, os.R_OK | os.W_OK):
            break
        sync_folder(folder)


def create_exclusive(path: Path, data: bytes | memoryview, mode: int = _FILE_MODE) -> None:
    """Write a file that must not exist yet, and make its content durable (but not its name).

    After an error nothing is left of it.
    """
    with reporting("write", path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                os.unlink(path)
            raise


def publish_link(temporary: Path, final: Path) -> None:
    """Give a finished file its final name; it keeps its temporary name as well.

    This is a hard link because linking fails if the name is taken, whereas renaming would replace
    that file. The new name is durable only after `sync_folder`.

    Raises:
        NumberTaken: `final` exists.
    """
    try:
        with reporting("publish", final):
            os.link(temporary, final)
    except WriteFailed as error:
        if isinstance(error.__cause__, FileExistsError):
            raise NumberTaken(final) from error.__cause__
        raise


def keep_link(file: Path, kept: Path) -> None:
    """Give a file a second name. It is no error if it has that name already, or is gone.

    The new name is durable only after `sync_folder`.
    """
    with reporting("keep", file), suppress(FileExistsError, FileNotFoundError):
        os.link(file, kept)


def replace_file(
    path: Path, data: bytes | memoryview, temporary: Path, mode: int = _FILE_MODE
) -> None:
    """Write a file in place of one that may exist; readers see the old or the new content.

    The new name is durable only after `sync_folder`. After an error the old file is still there.
    """
    create_exclusive(temporary, data, mode)
    try:
        with reporting("write", path):
            os.replace(temporary, path)
    except WriteFailed:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    with reporting("synchronise the folder", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file that has no meaning any more. It is no error if it is gone already."""
    with reporting("remove", path), suppress(FileNotFoundError):
        os.unlink(path)


@contextmanager
def reporting(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a WriteFailed."""
    try:
        yield
    except OSError as error:
        raise WriteFailed(action, path, error) from error
