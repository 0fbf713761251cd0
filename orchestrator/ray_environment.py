"""Environment variables that Ray reads when it is imported, so that they have to be set before."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path


def prepare_ray_environment(address: str | None) -> None:
    """Set the variables that Ray's processes inherit; call it before anything imports Ray.

    By default Ray listens on every network interface, also for a run on one machine. Here it
    listens on loopback only, and refuses commands without this run's token, which only its own
    processes know.

    Args:
        address: a Ray cluster to join, which has its owner's settings; None for this machine.
    """
    # Keeps Ray from warning about a coming change of what a worker without a GPU sees: none.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Under `uv run`, Ray would build a new environment for the workers from the working directory,
    # which is empty.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    if address is None:
        # Without clusters, Ray's address is 127.0.0.1 and its servers bind to it, on Linux too.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = _own_token()
        return
    # A head that accepts connections and does not answer is asked twice: 80 s, not 15 minutes.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    if named or (Path.home() / ".ray" / "auth_token").is_file():
        # `ray start` asks for a token by default, and `ray.init` does not show one by default.
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@cache
def _own_token() -> str:
    """Return this process's token. Ray keeps the first that it reads, and a run may start two."""
    return secrets.token_hex(32)
