from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from search.indices import IndexSet
from storage.checking.verify import inspect_store, verify_store
from storage.errors import (
    CopyUnusable,
    NoRemoteStore,
    NotAStore,
    RemoteDamaged,
    RemoteFailed,
    StoreVersion,
)
from storage.lock import StoreLock
from storage.log.seal import seal
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.objects import ObjectStore, S3Address
from storage.remote.working_copy import Origin, working_copy
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows
from tests.storage.remote.service import Service

Machine = Callable[..., Path]


def store_some(rows: Rows, folder: Path, *sizes: int, sweep: str = "a", start: int = 0) -> None:
    """Store rows in commits of these sizes, in one finished sweep."""
    with StoreWriter(folder) as writer:
        writer.begin_sweep(rows.begin(sweep))
        for size in sizes:
            rows.append(writer, start, start + size, sweep_id=sweep)
            writer.commit()
            start += size
        writer.end_sweep("finished")


def numbers(folder: Path) -> list[int]:
    """Return the indices of the rows of a store."""
    with StoreReader(folder) as reader:
        found = reader.sql("SELECT study_index FROM results ORDER BY 1").to_pylist()
    return [row["study_index"] for row in found]


def s3() -> Any:
    return boto3.client("s3")


def test_another_machine_sees_the_stored_rows(rows: Rows, machine: Machine) -> None:
    store_some(rows, machine("first"), 3, 4)
    second = machine("second")
    assert numbers(second) == list(range(7))
    with StoreWriter(second) as writer:
        assert writer.stored(rows.digest) == IndexSet.of([(0, 7)])
    store_some(rows, second, 2, sweep="b", start=7)
    assert numbers(machine("first")) == list(range(9))
    assert verify_store(machine("third")) == []
    assert inspect_store(machine("third")).leftovers == []


def test_working_copies_have_equal_files(rows: Rows, machine: Machine, address: S3Address) -> None:
    store_some(rows, machine("first"), 3)
    first, second = StorePaths(machine("first")), StorePaths(machine("second"))
    for folder in ("data", "log"):
        names = sorted(file.name for file in (first.root / folder).iterdir())
        assert names
        for name in names:
            data = (first.root / folder / name).read_bytes()
            assert (second.root / folder / name).read_bytes() == data
            assert ObjectStore(address).get(f"{folder}/{name}", len(data)) == data


def test_replaced_files_are_not_fetched(rows: Rows, machine: Machine) -> None:
    store_some(rows, machine("first"), 3, 4)
    before = {file.name for file in (machine("first") / "data").iterdir()}
    compact_store(machine("first"), command="compact")
    second = machine("second")
    assert numbers(second) == list(range(7))
    assert not before & {file.name for file in (second / "data").iterdir()}


def test_log_of_several_pages_is_complete(address: S3Address) -> None:
    # Keys beyond a thousand come on a second page.
    store = ObjectStore(address)
    names = [f"log/{number:08d}.json" for number in range(1, 1_012)]
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for name in names:
        backend.put_object(address.bucket, f"{address.prefix}/{name}", b"x")
    assert list(store.names("log/", "log/")) == names
    assert list(store.names("log/00001003.json", "log/")) == names[1003:]


def test_reading_a_missing_store_creates_nothing(
    service: Service, address: S3Address, tmp_path: Path
) -> None:
    with pytest.raises(NoRemoteStore, match="s3://"):
        working_copy(address, tmp_path)
    assert [request for request in service.requests if request.startswith("PUT")] == [
        f"PUT /{address.bucket}"
    ]
    folder = working_copy(address, tmp_path, may_be_missing=True)
    with pytest.raises(NotAStore):
        StoreReader(folder)


def test_prefix_with_other_objects_is_refused(machine: Machine, address: S3Address) -> None:
    # A name that only starts like the prefix does not count.
    s3().put_object(Bucket=address.bucket, Key="stores/mine-too/thesis.pdf", Body=b"x")
    machine()
    s3().put_object(Bucket=address.bucket, Key="stores/mine/thesis.pdf", Body=b"x")
    with pytest.raises(NotAStore, match="s3://"):
        machine()


def test_missing_bucket_is_named(service: Service, tmp_path: Path) -> None:
    with pytest.raises(RemoteFailed, match=r"s3://no-such-bucket/x/.*NoSuchBucket"):
        working_copy(S3Address("no-such-bucket", "x"), tmp_path)


def test_missing_credentials_are_reported(
    address: S3Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps what it has found
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteFailed, match="credentials"):
        working_copy(address, tmp_path)


def test_damaged_file_of_the_copy_is_fetched_again(rows: Rows, machine: Machine) -> None:
    store_some(rows, machine(), 3, 4)
    some, other = sorted((machine() / "data").iterdir())
    data = bytearray(some.read_bytes())
    data[len(data) // 2] ^= 1
    some.chmod(0o644)
    some.write_bytes(data)
    other.unlink()
    assert [problem.file for problem in verify_store(machine())] == [
        str(some)
    ]  # the other was fetched
    with StoreWriter(machine()):  # reads all bytes
        pass
    assert verify_store(machine()) == []


@pytest.mark.parametrize(
    ("folder", "change"),
    [
        ("data", "flipped"),
        ("data", "short"),
        ("data", "long"),
        ("data", "gone"),
        ("log", "flipped"),
        ("log", "gone"),
    ],
)
def test_damaged_object_is_refused(
    folder: str, change: str, rows: Rows, machine: Machine, address: S3Address
) -> None:
    store_some(rows, machine("first"), 3, 4)
    name = sorted(file.name for file in (machine("first") / folder).iterdir())[1]
    key = {"Bucket": address.bucket, "Key": f"stores/mine/{folder}/{name}"}
    data = bytearray(s3().get_object(**key)["Body"].read())
    data[len(data) // 2] ^= 1
    changed = {"flipped": bytes(data), "short": bytes(data[:-1]), "long": bytes(data) + b"x"}
    s3().delete_object(**key)
    if change != "gone":
        s3().put_object(**key, Body=changed[change])
    with pytest.raises(RemoteDamaged, match=name):
        machine("second")


def test_path_out_of_the_store_is_refused(rows: Rows, machine: Machine, address: S3Address) -> None:
    store_some(rows, machine("first"), 3)
    key = {"Bucket": address.bucket, "Key": "stores/mine/log/00000002.json"}
    body = s3().get_object(**key)["Body"].read().split(b'"record":', 1)[1][:-2].decode()
    part = next((machine("first") / "data").iterdir()).name
    s3().put_object(**key, Body=seal(body.replace(part, f"../{part}")))
    with pytest.raises(RemoteDamaged, match="00000002"):
        machine("second")
    s3().put_object(**key, Body=seal(body))
    s3().put_object(Bucket=address.bucket, Key="stores/mine/log/x.json", Body=b"{}")
    with pytest.raises(RemoteDamaged, match=r"log/x\.json"):
        machine("second")


def test_newer_store_is_refused(machine: Machine, address: S3Address) -> None:
    body = seal('{"kind": "sparsest-store", "format": 99}')
    s3().put_object(Bucket=address.bucket, Key="stores/mine/store.json", Body=body)
    with pytest.raises(StoreVersion):
        machine()


def test_copy_of_another_store_is_refused(rows: Rows, machine: Machine, address: S3Address) -> None:
    store_some(rows, machine("first"), 3)
    for item in s3().list_objects_v2(Bucket=address.bucket)["Contents"]:
        s3().delete_object(Bucket=address.bucket, Key=item["Key"])
    store_some(rows, machine("second"), 3, sweep="b")
    with pytest.raises(CopyUnusable, match="entry 3"):
        machine("first")


def test_copy_of_another_service_is_refused(
    rows: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_some(rows, machine(), 3)
    folder = machine()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(CopyUnusable, match=r"127\.0\.0\.1:9"):
        Origin.of(StorePaths(folder))
    with pytest.raises(CopyUnusable):
        StoreWriter(folder)
    monkeypatch.undo()


def test_reader_shares_the_copy_with_a_writer(rows: Rows, machine: Machine) -> None:
    with StoreWriter(machine()) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
        writer.commit()
        assert numbers(machine()) == [0, 1, 2]


def test_reader_waits_for_a_reader_that_updates_the_copy(
    rows: Rows, machine: Machine, address: S3Address
) -> None:
    store_some(rows, machine("first"), 3)
    updating = StoreLock(StorePaths(machine("second")), f"sparsest, reading {address}")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(machine, "second")
        store_some(rows, machine("first"), 2, sweep="b", start=3)
        assert not waiting.done()
        updating.close()
        assert numbers(waiting.result(timeout=60)) == list(range(5))


def test_copy_whose_last_entry_is_long_is_updated(rows: Rows, machine: Machine) -> None:
    with StoreWriter(machine("first")) as writer:
        writer.begin_sweep(rows.begin().model_copy(update={"command": "x" * 2_000_000}))
    assert (machine("second") / "log" / "00000001.json").stat().st_size > 2_000_000
    assert numbers(machine("second")) == []
