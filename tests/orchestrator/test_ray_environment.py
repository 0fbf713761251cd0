"""What Ray's processes inherit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.ray_environment import prepare_ray_environment
from tests.orchestrator.running import environment as project

SET_HERE = (
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_AUTH_TOKEN_PATH",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER",
    "RAY_NUM_REDIS_GET_RETRIES",
)
"""What stays would reach the Ray of other tests, which are run by the same process."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without Ray's variables, put back afterwards; returns the home folder."""
    for name in SET_HERE:
        # Set first, so that what the test sets is taken back too.
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_ray_on_this_machine_takes_work_from_anybody() -> None:
    prepare_ray_environment(None)
    first = os.environ["RAY_AUTH_TOKEN"]
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(first) >= 32


def test_second_start_of_a_run_has_a_token_that_ray_does_not_take() -> None:
    prepare_ray_environment(None)
    first = os.environ["RAY_AUTH_TOKEN"]
    prepare_ray_environment(None)
    assert os.environ["RAY_AUTH_TOKEN"] == first


def test_token_of_another_process_is_the_same() -> None:
    prepare_ray_environment(None)
    ask = (
        "import os; from orchestrator.ray_environment import prepare_ray_environment as prepare; "
        "prepare(None); print(os.environ['RAY_AUTH_TOKEN'])"
    )
    other = subprocess.run(
        [sys.executable, "-c", ask], env=project(), capture_output=True, text=True, check=True
    )
    assert len(other.stdout.strip()) == len(os.environ["RAY_AUTH_TOKEN"])
    assert other.stdout.strip() != os.environ["RAY_AUTH_TOKEN"]


def test_cluster_that_asks_for_a_token_cannot_be_joined(environment: Path) -> None:
    (environment / ".ray").mkdir()
    (environment / ".ray" / "auth_token").write_text("secret")
    prepare_ray_environment("head:6379")
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_owner_s_choice_for_a_cluster_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    prepare_ray_environment("head:6379")
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


def test_cluster_without_a_token_is_shown_one() -> None:
    prepare_ray_environment("head:6379")
    assert "RAY_AUTH_MODE" not in os.environ
