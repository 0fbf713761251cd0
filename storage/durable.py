"""The few input/output calls by which a store changes.

Every change of a store's folders goes through this module and through its name `os`, so that a
test can count the calls, let one fail, or end the process at any of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.errors import NumberTaken, WriteFailed

_FILE_MODE = 0o444  # files of a store never change, so nobody needs to write to them


def make_folders(path: Path) -> None:
    """Makes a folder that may exist already, and those above it; their names are not durable yet.

    Raises:
        WriteFailed: a folder could not be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        with reporting("make the folder", folder), suppress(FileExistsError):
            os.mkdir(folder)


def sync_way_to(path: Path) -> None:
    """Makes the name of a file or folder durable, and those of the folders on the way to it.

    As far as this user can have made them: a process that made a folder may have died before its
    name was durable, and nobody else would make it so.

    Raises:
        WriteFailed: a folder could not be synchronised.
    """
    for folder in path.parents:
        if not os.access(folder, os.R_OK | os.W_OK):
            break
        sync_folder(folder)


def create_exclusive(path: Path, data: bytes | memoryview, mode: int = _FILE_MODE) -> None:
    """Writes a file that must not exist yet, and makes its content durable (not yet its name).

    Raises:
        WriteFailed: the file exists, or could not be written whole; it is not left behind then.
    """
    with reporting("write", path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            try:
                _write_all(descriptor, memoryview(data))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            with suppress(OSError):
                os.unlink(path)
            raise


def publish_link(aside: Path, final: Path) -> None:
    """Gives a finished file its final name; it keeps the other one as well.

    A hard link, because it fails where the name is taken; renaming would replace that file. The
    new name is durable only after `sync_folder`.

    Raises:
        NumberTaken: `final` exists.
        WriteFailed: the link could not be made.
    """
    try:
        with reporting("publish", final):
            os.link(aside, final)
    except WriteFailed as error:
        if isinstance(error.__cause__, FileExistsError):
            raise NumberTaken(final) from error.__cause__
        raise


def keep_link(file: Path, kept: Path) -> None:
    """Gives a file a second name; that it has it already, or is gone, is no error.

    The new name is durable only after `sync_folder`.

    Raises:
        WriteFailed: the link could not be made.
    """
    with reporting("keep", file), suppress(FileExistsError, FileNotFoundError):
        os.link(file, kept)


def replace_file(path: Path, data: bytes | memoryview, aside: Path, mode: int = _FILE_MODE) -> None:
    """Writes a file in place of one that may exist; a reader finds the one or the other, whole.

    The new name is durable only after `sync_folder`.

    Args:
        path: of the file.
        data: its new content.
        aside: where it is written before it gets its name.
        mode: of the new file.

    Raises:
        WriteFailed: the file could not be written; the other one is still there.
    """
    create_exclusive(aside, data, mode)
    try:
        with reporting("write", path):
            os.replace(aside, path)
    except WriteFailed:
        with suppress(OSError):
            os.unlink(aside)
        raise


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable.

    Raises:
        WriteFailed: the folder could not be synchronised.
    """
    with reporting("synchronise the folder", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Removes a file that means nothing any more; that it is gone already is no error.

    Raises:
        WriteFailed: the file could not be removed.
    """
    with reporting("remove", path), suppress(FileNotFoundError):
        os.unlink(path)


@contextmanager
def reporting(action: str, path: Path) -> Iterator[None]:
    """Turns an operating system's error inside the block into a WriteFailed.

    Args:
        action: what is being done, such as "write".
        path: to which file or folder.
    """
    try:
        yield
    except OSError as error:
        raise WriteFailed(action, path, error) from error


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        written = os.write(descriptor, data)
        data = data[written:]
