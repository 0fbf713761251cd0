"""Updating a working copy from S3."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Final, TypeVar

from storage import durable
from storage.data.parts import check_part_content, check_part_size
from storage.errors import (
    CopyUnusable,
    DataFileDamaged,
    NoRemoteStore,
    NotAStore,
    RemoteDamaged,
    StoreDamaged,
)
from storage.log.entries import Entry, RowsCommitted
from storage.log.files import parse_entry, publish, read_state
from storage.marker import check_marker
from storage.paths import StorePaths, entry_number
from storage.remote.objects import ObjectStore
from storage.safe_open import MAX_ENTRY_BYTES, MAX_RECORD_BYTES, read_regular

_PARALLEL: Final = 16
"""Number of concurrent requests, which mostly wait."""

_T = TypeVar("_T")
_R = TypeVar("_R")


def pull(paths: StorePaths, objects: ObjectStore, *, check_bytes: bool) -> None:
    """Add to a working copy the log entries on S3 and the data files that it lacks.

    First come the data files that belong to the store at the end of the log, then the entries, in
    order. Files that were replaced before are never fetched. With `check_bytes`, every byte of the
    present files is checked, and damaged ones are fetched again. The caller holds the lock.

    Raises:
        NoRemoteStore: there is no object under the prefix.
        NotAStore: the objects under the prefix are not a store.
        StoreVersion: a newer version of sparsest wrote the store.
        RemoteDamaged: an object is not what was written.
        CopyUnusable: the working copy is not a copy of the store.
        RemoteFailed, WriteFailed: a request failed, or an input/output error of this machine.
    """
    _pull_marker(paths, objects)
    try:
        state = read_state(paths)
    except StoreDamaged as damage:
        raise CopyUnusable(paths.root, objects.url(), str(damage)) from damage
    if state.entries:
        # The last entry of the working copy must be the same on S3.
        last = paths.entry(state.entries)
        data = read_regular(last, MAX_ENTRY_BYTES)
        if objects.get(object_name(last), len(data)) != data:
            problem = f"its log entry {state.entries} is not that of the log on S3"
            raise CopyUnusable(paths.root, objects.url(), problem)
    numbers = _numbers_after(paths, objects, state.entries)
    new = _in_parallel(partial(_fetch_entry, paths, objects), numbers)
    try:
        state.add_all([entry for _, entry in new])
    except StoreDamaged as damage:
        raise RemoteDamaged(objects.url("log"), damage.problem) from damage
    lacking = [part for part in state.parts if not _has(paths, part, check_bytes)]
    _in_parallel(partial(_fetch_part, paths, objects), lacking)
    if lacking:
        durable.sync_folder(paths.data)
    for number, (data, _) in zip(numbers, new, strict=True):
        publish(paths, number, data)


def _pull_marker(paths: StorePaths, objects: ObjectStore) -> None:
    data = objects.get(paths.marker.name, MAX_RECORD_BYTES)
    if data is None:
        url = objects.url()
        if next(objects.names(""), None) is not None:
            raise NotAStore(f"{url} is not a store and not empty. Name another prefix.")
        raise NoRemoteStore(
            f"There is no store at {url}. `sparsest run STUDY --store {quote(url)}` creates one."
        )
    if not paths.marker.exists() or read_regular(paths.marker) != data:
        durable.replace_file(paths.marker, data, paths.new_temporary())
        durable.sync_folder(paths.root)
    check_marker(paths)


def _numbers_after(paths: StorePaths, objects: ObjectStore, last: int) -> list[int]:
    numbers: list[int] = []
    for name in objects.names(object_name(paths.entry(last)), f"{paths.log.name}/"):
        number = entry_number(name.partition("/")[2])
        if number is None or name != object_name(paths.entry(number)):
            raise RemoteDamaged(objects.url(name), "not a log entry")
        numbers.append(number)
    for expected, number in enumerate(numbers, start=last + 1):
        if number != expected:
            missing = objects.url(object_name(paths.entry(expected)))
            raise RemoteDamaged(missing, f"missing, although entry {number} exists")
    return numbers


def object_name(file: Path) -> str:
    """Return the name of the object of a file of the log or of the data files."""
    return f"{file.parent.name}/{file.name}"


def _fetch_entry(paths: StorePaths, objects: ObjectStore, number: int) -> tuple[bytes, Entry]:
    name = object_name(paths.entry(number))
    data = objects.get(name, MAX_ENTRY_BYTES)
    if data is None or len(data) > MAX_ENTRY_BYTES:
        raise RemoteDamaged(objects.url(name), "missing" if data is None else "not a log entry")
    try:
        return data, parse_entry(paths, number, data)
    except StoreDamaged as damage:
        raise RemoteDamaged(objects.url(name), damage.problem) from damage


def _fetch_part(paths: StorePaths, objects: ObjectStore, part: RowsCommitted) -> None:
    name = object_name(paths.part(part.file))
    data = objects.get(name, part.bytes)
    if data is None:
        raise RemoteDamaged(objects.url(name), "named by the log but missing")
    if len(data) != part.bytes or hashlib.sha256(data).hexdigest() != part.sha256:
        raise RemoteDamaged(objects.url(name), "its SHA-256 is not the one in the log")
    durable.replace_file(paths.part(part.file), data, paths.new_temporary())


def _has(paths: StorePaths, part: RowsCommitted, check_bytes: bool) -> bool:
    check = check_part_content if check_bytes else check_part_size
    try:
        check(paths, part)
    except DataFileDamaged:
        return False
    return True


def _in_parallel(function: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
    with ThreadPoolExecutor(_PARALLEL) as pool:
        tasks = [pool.submit(function, value) for value in values]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
