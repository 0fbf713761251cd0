from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from search.indices import IndexSet
from storage.checking.verify import verify_store
from storage.errors import NoConditionalWrites, RemoteConflict, RemoteFailed, WriterClosed
from storage.reading.reader import StoreReader
from storage.remote.objects import ObjectStore, S3Address
from storage.remote.working_copy import working_copy
from storage.writing.writer import StoreWriter
from tests.storage.faulty_os import Crash
from tests.storage.made_rows import Rows
from tests.storage.remote.service import Answer, Request, Service

Machine = Callable[..., Path]

WANTED = IndexSet.of([(0, 6)])


def finish(rows: Rows, folder: Path, sweep: str, reported: list[int]) -> None:
    """Store the missing ones of six rows, in commits of two."""
    with StoreWriter(folder) as writer:
        left = WANTED - writer.stored(rows.digest)
        writer.begin_sweep(rows.begin(sweep))
        for start, stop in left.intervals:
            for first in range(start, stop, 2):
                rows.append(writer, first, first + 2, sweep_id=sweep)
                writer.commit()
                reported += [first, first + 1]
        writer.end_sweep("finished")


def stored(folder: Path) -> list[int]:
    """Verify a store and return the indices of its rows."""
    assert verify_store(folder) == []
    with StoreReader(folder) as reader:
        rows = reader.sql("SELECT study_index FROM results ORDER BY 1").to_pylist()
    return [row["study_index"] for row in rows]


def killing(monkeypatch: pytest.MonkeyPatch, at: int, *, before: bool) -> list[str]:
    """Kill the process before or after its request number `at`; return the list of requests."""
    real = BaseClient._make_api_call
    requests: list[str] = []

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        requests.append(operation)
        if len(requests) != at + 1:
            return real(client, operation, parameters)
        if not before:
            with suppress(ClientError):
                real(client, operation, parameters)
        raise Crash

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return requests


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.campaign)])
def test_killed_writer_keeps_stored_rows(
    before: bool,
    every: int,
    rows: Rows,
    tmp_path: Path,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = every // 2 if before else every - 1
    while True:
        address = S3Address(bucket, f"killed/{at}")
        reported: list[int] = []
        with monkeypatch.context() as patch:
            requests = killing(patch, at, before=before)
            try:
                copy = working_copy(address, tmp_path / f"first-{at}", may_be_missing=True)
                finish(rows, copy, "a", reported)
            except Crash:
                assert len(requests) == at + 1
            else:
                break
        # The same machine, or another one that has nothing yet.
        cache = tmp_path / f"{'first' if at % 2 else 'other'}-{at}"
        copy = working_copy(address, cache, may_be_missing=True)
        with StoreWriter(copy) as writer:
            assert set(reported) <= set(writer.stored(rows.digest))
        finish(rows, copy, "b", [])
        fresh = working_copy(address, tmp_path / f"third-{at}")
        assert stored(fresh) == list(WANTED)
        at += every
    assert at > 8  # the whole sweep was covered
    assert reported == list(WANTED)


def test_second_writer_is_stopped(rows: Rows, machine: Machine) -> None:
    with StoreWriter(machine("first")) as first, StoreWriter(machine("second")) as second:
        first.begin_sweep(rows.begin("a"))
        rows.append(first, 0, 3, sweep_id="a")
        with pytest.raises(RemoteConflict, match="s3://"):
            second.begin_sweep(rows.begin("b"))
        with pytest.raises(WriterClosed):
            second.begin_sweep(rows.begin("b"))
        assert first.commit() == 3
        # The later writer continues; the earlier one stops at its next commit.
        with StoreWriter(machine("third")) as third:
            third.begin_sweep(rows.begin("c"))
            rows.append(first, 3, 5, sweep_id="a")
            with pytest.raises(RemoteConflict, match="00000003"):
                first.commit()
            rows.append(third, 3, 5, sweep_id="c")
            assert third.commit() == 2
    assert stored(machine("fourth")) == [0, 1, 2, 3, 4]
    assert stored(machine("first")) == [0, 1, 2, 3, 4]


def puts(kind: str, how: Callable[[Request], Answer | None]) -> Callable[[Request], Answer | None]:
    """Apply a fault to all requests that write an object in a folder."""

    def fault(request: Request) -> Answer | None:
        if request.method == "PUT" and f"/{kind}/" in request.path:
            return how(request)
        return None

    return fault


def once(how: Callable[[Request], Answer]) -> Callable[[Request], Answer | None]:
    """Apply a fault to the first request only."""
    seen: list[Request] = []

    def fault(request: Request) -> Answer | None:
        seen.append(request)
        return how(request) if len(seen) == 1 else None

    return fault


def does_and_drops(request: Request) -> Answer:
    request.do()
    return request.drop()


def does_and_fails(request: Request) -> Answer:
    request.do()
    return request.fail("500 Internal Server Error")


@pytest.mark.parametrize("folder", ["data", "log"])
@pytest.mark.parametrize("how", [does_and_drops, does_and_fails])
def test_repeated_request_counts_as_written(
    folder: str, how: Callable[[Request], Answer], rows: Rows, machine: Machine, service: Service
) -> None:
    with StoreWriter(machine()) as writer:
        service.fault = puts(folder, once(how))
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        assert writer.commit() == 3
    assert stored(machine("second")) == [0, 1, 2]


@pytest.mark.parametrize("folder", ["data", "log"])
def test_entry_whose_answers_were_lost_is_stored(
    folder: str, rows: Rows, machine: Machine, service: Service
) -> None:
    with StoreWriter(machine()) as writer:
        service.fault = puts(folder, does_and_drops)
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        assert writer.commit() == 3
    assert stored(machine("second")) == [0, 1, 2]


@pytest.mark.parametrize(
    ("folder", "status"),
    [
        ("data", "403 Forbidden"),
        ("data", "503 Slow Down"),
        ("log", "409 Conflict"),
        ("log", None),
    ],
)
def test_refused_request_stops_the_writer(
    folder: str, status: str | None, rows: Rows, machine: Machine, service: Service
) -> None:
    with StoreWriter(machine()) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        service.fault = puts(folder, lambda r: r.drop() if status is None else r.fail(status))
        with pytest.raises(RemoteFailed, match=f"write s3://.*/{folder}/"):
            writer.commit()
        with pytest.raises(WriterClosed):
            writer.commit()
    service.fault = None
    assert stored(machine("second")) == []
    finish(rows, machine(), "b", [])
    assert stored(machine("second")) == list(WANTED)


def test_concurrent_request_is_repeated(rows: Rows, machine: Machine, service: Service) -> None:
    with StoreWriter(machine()) as writer:
        service.fault = puts("log", once(lambda request: request.fail("409 Conflict")))
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        assert writer.commit() == 3
    assert stored(machine("second")) == [0, 1, 2]


def test_service_without_conditional_writes_is_refused(machine: Machine, service: Service) -> None:
    service.fault = puts("stores", lambda request: request.unconditionally())
    with pytest.raises(NoConditionalWrites, match="If-None-Match"):
        StoreWriter(machine())


def test_incomplete_answer_is_an_error(address: S3Address, service: Service) -> None:
    store = ObjectStore(address)
    store.put_if_absent("data/x", b"whole")

    def torn(request: Request) -> Answer:
        b"".join(request.answer())
        return [b"who"]

    service.fault = torn
    with pytest.raises(RemoteFailed, match="data/x"):
        store.get("data/x", 100)
