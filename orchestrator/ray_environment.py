"""Environment variables that Ray reads when it is imported, so they are set before."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path


def prepare_ray_environment(address: str | None) -> None:
    """Sets what Ray's processes are to inherit; call it before anything imports Ray.

    By itself Ray listens on every network interface, also for a run on one machine. Here it listens
    on loopback alone, and without this run's token, which only its own processes know, nobody on
    this machine can make it do anything either.

    Args:
        address: a Ray cluster to join, whose owner has settled these things; None for this machine.
    """
    # Ray warns of a coming change of what a worker without a GPU sees. Ours see none.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None:
        # What its name says is only why it was made: without clusters Ray's address is 127.0.0.1,
        # on Linux too, and its servers bind to that.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = _own_token()
        return
    # A head that takes connections and does not answer is asked twice: 80 s, else it is 15 minutes.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    if _has_token():
        # `ray start` asks for a token unless told otherwise; `ray.init` shows none unless told to.
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@cache
def _own_token() -> str:
    """One for the whole process: Ray keeps the first that it reads, and a run may start two."""
    return secrets.token_hex(32)


def _has_token() -> bool:
    """Whether there is a token where Ray looks for one."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()
