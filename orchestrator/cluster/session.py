"""Starting Ray on this machine, or joining a cluster; and leaving it."""

from __future__ import annotations

import logging
import re
import socket
from typing import Any

import ray

from orchestrator.cluster import ray_private
from orchestrator.cluster.private_folders import CHECKOUT, empty_working_directory, ray_folder
from orchestrator.doctor.node_report import PACKAGES
from orchestrator.errors import UserError

OBJECT_STORE_BYTES = 256 * 2**20
"""Shared memory for results in transit on this machine: a task's rows are about half a megabyte."""

CONNECT_TIMEOUT_S = 10.0
"""Seconds that a cluster's head may take to answer a connection."""

_HOST_AND_PORT = re.compile(r"(?:ray://)?([^:/]+):(\d{1,6})")


def start(cpus: int, gpus: int | None = None) -> None:
    """Start Ray for this process alone, with CPUs and GPUs (None: all), or raise `UserError`."""
    try:
        # Without address="local", an old address file would be taken for a running Ray.
        _init(
            address="local",
            num_cpus=cpus,
            num_gpus=gpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **ray_private.temporary_folder(ray_folder()),
        )
    except Exception as error:  # a node that is too slow to start is a bare Exception
        raise UserError(
            f"Ray does not start on this machine: {error}. Is /tmp or /dev/shm full? "
            "`--executor inline` trains without Ray"
        ) from error


def join(address: str) -> None:
    """Join a cluster, and bring this project's code along.

    Raises:
        UserError: there is no Ray at the address, or it refuses this process.
    """
    if not reachable(address):
        # Ray itself would keep trying for minutes.
        raise UserError(
            f"cannot join Ray at {address}: nothing answers there. Is it up, and does a firewall "
            "let this machine reach its port?"
        )
    try:
        # Nodes run the driver's version of the packages. Ray packs the folders, half a megabyte of
        # sources, and keeps the archive on the head under a digest of its content. Every node
        # unpacks it once and puts it before what is installed there. Plug-ins import `sparsest`.
        modules = [str(CHECKOUT / name) for name in (*PACKAGES, "sparsest.py")]
        shipped = {"py_modules": modules, "excludes": ["__pycache__/"]}
        _init(address=address, runtime_env=shipped)
    except Exception as error:
        raise UserError(
            f"cannot join Ray at {address}: {error}. If the cluster asks for a token, it must be "
            "in RAY_AUTH_TOKEN or ~/.ray/auth_token here as well"
        ) from error


def _init(**options: Any) -> None:
    with (
        empty_working_directory(),
        ray_private.sigterm_handler_kept(),
        ray_private.processes_in_own_groups(),
    ):
        ray.init(log_to_driver=False, logging_level=logging.ERROR, namespace="sparsest", **options)
    ray_private.log_messages()


def reachable(address: str) -> bool:
    """Return whether anything accepts connections at HOST:PORT; True for other addresses."""
    match = _HOST_AND_PORT.fullmatch(address)
    if match is None:
        return True
    try:
        with socket.create_connection((match[1], int(match[2])), CONNECT_TIMEOUT_S):
            return True
    except (OSError, OverflowError):
        return False
