"""Starting Ray on this machine, or joining a cluster; and leaving it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
import ray._private.utils
import ray._private.worker

from orchestrator.cluster.address import reachable
from orchestrator.cluster.code import shipped_code
from orchestrator.cluster.working_directory import empty_working_directory
from orchestrator.errors import UserError

logger = logging.getLogger(__name__)

OBJECT_STORE_BYTES = 256 * 2**20
"""Shared memory for results under way on this machine: a task's rows are about half a megabyte."""

_QUIET: dict[str, Any] = {
    "log_to_driver": False,
    "logging_level": logging.ERROR,
    "namespace": "sparsest",
}


def start_here(cpus: int, gpus: int) -> None:
    """Starts Ray on this machine, for this run alone: a stale address file misleads a bare init.

    Raises:
        UserError: Ray does not start.
    """
    try:
        with empty_working_directory(), _sigterm_stays_ours():
            ray.init(
                address="local",
                num_cpus=cpus,
                num_gpus=gpus,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                **_QUIET,
            )
    except Exception as error:
        # Whatever it is: a node that is too slow to start is a bare Exception.
        raise UserError(f"Ray does not start on this machine: {error}") from error
    _log_ray_s_messages()


def join(address: str) -> None:
    """Joins a cluster, and brings this project's code along.

    Raises:
        UserError: no Ray at the address, or it does not let us in.
    """
    if not reachable(address):
        # Ray itself would go on asking for minutes.
        raise UserError(
            f"cannot join Ray at {address}: nothing answers there. Is it up, and does a firewall "
            "let this machine reach its port?"
        )
    try:
        with empty_working_directory(), _sigterm_stays_ours():
            ray.init(address=address, runtime_env=shipped_code(), **_QUIET)
    except Exception as error:
        raise UserError(
            f"cannot join Ray at {address}: {error}. If the cluster asks for a token, it must be "
            "in RAY_AUTH_TOKEN or ~/.ray/auth_token here as well"
        ) from error
    _log_ray_s_messages()


@contextmanager
def _sigterm_stays_ours() -> Iterator[None]:
    """Takes SIGTERM back from Ray, which would print where its threads are and end the process.

    It sets two handlers, one in Python and one in C++. The first can be kept from it; the second
    comes late in `ray.init`, and is replaced afterwards.
    """
    ours = signal.getsignal(signal.SIGTERM)
    if not callable(ours):  # a program that leaves SIGTERM to whoever wants it
        yield
        return
    set_by_ray = ray._private.utils.set_sigterm_handler
    ray._private.utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        ray._private.utils.set_sigterm_handler = set_by_ray
        signal.signal(signal.SIGTERM, ours)


def _log_ray_s_messages() -> None:
    """Sends to the log what Ray prints of dead workers and nodes, twenty lines for each.

    Ray prints it to the standard output whatever `log_to_driver` says, so into what `--json`
    promises, and has no public way to take it away.
    """
    setattr(ray._private.worker, "print_to_stdstream", _log)  # noqa: B010 - not exported


def _log(message: dict[str, Any], ignore_prefix: bool = False) -> None:
    text = " ".join(str(line) for line in message["lines"])
    logger.info("Ray's %s: %s", message["pid"], text.partition("\n")[0])


def leave() -> None:
    """Ends the job, and with it Ray where it was started here. May take some seconds."""
    ray.shutdown()
