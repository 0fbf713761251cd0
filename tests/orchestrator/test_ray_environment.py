"""The environment variables that Ray's processes inherit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.ray_environment import prepare_ray_environment
from tests.orchestrator.running import environment as checkout

VARIABLES = (
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_AUTH_TOKEN_PATH",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER",
    "RAY_NUM_REDIS_GET_RETRIES",
)
"""Variables that would reach the Ray of other tests in this process."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without Ray's variables, restored afterwards; returns the home folder."""
    for name in VARIABLES:
        # Set first, so that what the test sets is removed too.
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_ray_on_this_machine_asks_for_a_token() -> None:
    prepare_ray_environment(None)
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) >= 32


def test_second_start_in_a_process_has_the_same_token() -> None:
    prepare_ray_environment(None)
    first = os.environ["RAY_AUTH_TOKEN"]
    prepare_ray_environment(None)
    assert os.environ["RAY_AUTH_TOKEN"] == first


def test_token_of_another_process_is_different() -> None:
    prepare_ray_environment(None)
    program = (
        "import os; from orchestrator.ray_environment import prepare_ray_environment as prepare; "
        "prepare(None); print(os.environ['RAY_AUTH_TOKEN'])"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], env=checkout(), capture_output=True, text=True, check=True
    )
    assert len(other.stdout.strip()) == len(os.environ["RAY_AUTH_TOKEN"])
    assert other.stdout.strip() != os.environ["RAY_AUTH_TOKEN"]


def test_token_in_the_home_folder_is_shown_to_a_cluster(environment: Path) -> None:
    (environment / ".ray").mkdir()
    (environment / ".ray" / "auth_token").write_text("secret")
    prepare_ray_environment("head:6379")
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_user_s_choice_for_a_cluster_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    prepare_ray_environment("head:6379")
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


def test_cluster_without_a_token_is_shown_none() -> None:
    prepare_ray_environment("head:6379")
    assert "RAY_AUTH_MODE" not in os.environ


def test_workers_use_the_environment_of_the_driver_under_uv_run() -> None:
    """Ray would otherwise make a new one from the working directory, which is empty."""
    prepare_ray_environment(None)
    assert os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"
