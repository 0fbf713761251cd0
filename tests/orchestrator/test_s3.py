"""Commands with stores in buckets."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

import sparsest as notebook
from tests.orchestrator.running import INLINE, rates, refused, sparsest, write_sweep
from tests.storage.remote.service import Service

STORE = "s3://a-bucket/stores/mine"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that switches to the working copies of a named machine."""

    def switch(name: str) -> None:
        for module in ("search.cache_folder", "analysis.store"):
            monkeypatch.setattr(f"{module}.cache_folder", lambda: tmp_path / name)

    switch("first")
    return switch


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps its configuration
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="a-bucket")
    yield service
    service.close()


def test_run_on_another_machine_resumes(
    tmp_path: Path, service: Service, machine: Callable[[str], None]
) -> None:
    few = write_sweep(tmp_path / "few.toml", f'structure = ["1x1x1"]\n{rates(2)}')
    assert STORE in refused("status", "--store", STORE)
    planned = sparsest("plan", few, "--store", STORE, "--json")
    assert json.loads(planned.out)["studies"][0]["remaining"] == 2
    assert sparsest("run", few, "--store", STORE, *INLINE, "--limit", "1").code == 0
    machine("second")
    again = sparsest("run", few, "--store", STORE, *INLINE)
    assert "2 planned, 1 stored, 1 to train" in again.err
    machine("third")
    count = ("query", "SELECT count(*) AS n FROM results", "--format", "json")
    assert json.loads(sparsest(*count, "--store", STORE).out) == [{"n": 2}]
    assert sparsest("verify", few, "--store", STORE).code == 0
    assert sparsest("forget", "few", "--yes", "--store", STORE).code == 0
    machine("first")
    assert json.loads(sparsest(*count, "--store", STORE).out) == [{"n": 0}]
    with notebook.open(STORE) as store:
        assert len(store.sql("SELECT * FROM results")) == 0


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///prefix",
        "s3://a-bucket",
        "s3://a-bucket/",
        "s3://A_Bucket/x",
        "s3://a-bucket/../x",
        "s3://a-bucket/x//y",
        "s3://a-bucket/x?y",
        "s3://a-bucket/x\ny",
    ],
)
def test_wrong_address_is_a_usage_error(text: str) -> None:
    ended = sparsest("status", "--store", text)
    assert ended.code == 2
    assert "s3://BUCKET/PREFIX" in " ".join(ended.err.split())


def test_missing_boto3_is_reported_with_its_extra(
    machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert "sparsest[s3]" in refused("status", "--store", STORE)


def test_folders_need_no_boto3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert str(tmp_path / "none") in refused("status", "--store", tmp_path / "none")


def test_stores_in_buckets_are_merged_and_compared(
    tmp_path: Path, service: Service, machine: Callable[[str], None]
) -> None:
    few = write_sweep(tmp_path / "few.toml", f'structure = ["1x1x1"]\n{rates(2)}')
    one, two, into = tmp_path / "one", "s3://a-bucket/shards/two", "s3://a-bucket/shards/all"
    for store, number in ((one, "1"), (two, "2")):
        assert sparsest("run", few, "--run-id", number, "--store", store, *INLINE).code == 0
    merged = sparsest("merge", one, two, "--into", into)
    assert f"{two}: 1 row merged\n{into}: 2 rows\n" in merged.out
    machine("second")
    different = sparsest("diff", into, two)
    assert different.code == 1
    assert different.out.startswith(f"A: {into}\nB: {two}\n")
    assert into in refused("merge", into, "--into", into)
    assert "s3://a-bucket/none" in refused(
        "merge", "s3://a-bucket/none", "--into", tmp_path / "new"
    )


def test_doctor_checks_a_store_in_a_bucket(
    tmp_path: Path, service: Service, machine: Callable[[str], None]
) -> None:
    def found(*words: str) -> dict[str, tuple[str, str]]:
        findings = json.loads(sparsest("doctor", "--store", *words, "--json").out)
        return {one["what"]: (one["level"], one["found"]) for one in findings}

    place = "s3://a-bucket/new"
    level, message = found(place)["store"]
    assert level == "ok"
    assert place in message
    few = write_sweep(tmp_path / "few.toml", f'structure = ["1x1x1"]\n{rates(2)}')
    sparsest("run", few, "--store", place, *INLINE)
    machine("second")
    assert found(place)["s3"][0] == "ok"
    assert found(place)["store"][1].startswith("2 rows in 1 file")
    level, text = found("s3://no-such-bucket/x")["s3"]
    assert (level, "no-such-bucket" in text) == ("problem", True)
    assert sparsest("doctor", "--store", "s3://").code == 2
