from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.remote import objects
from storage.remote.objects import S3Address
from storage.remote.working_copy import working_copy
from tests.storage.made_rows import Rows
from tests.storage.remote.service import Service

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def one_service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def service(one_service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An S3 service named by the environment, without faults."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", one_service.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    # Each repetition waits for seconds.
    monkeypatch.setattr(objects, "_ATTEMPTS", 2)
    one_service.requests.clear()
    yield one_service
    one_service.fault = None


@pytest.fixture
def bucket(service: Service) -> str:
    """An empty bucket."""
    import boto3

    name = f"bucket-{next(_NUMBERS)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def address(bucket: str) -> S3Address:
    """The address of a store that does not exist yet."""
    return S3Address(bucket, "stores/mine")


@pytest.fixture
def machine(tmp_path: Path, address: S3Address) -> Callable[..., Path]:
    """A function that updates and returns the working copy of a named machine."""

    def copy(name: str = "first") -> Path:
        return working_copy(address, tmp_path / name, may_be_missing=True)

    return copy


@pytest.fixture
def rows() -> Rows:
    return Rows()
