"""Every private interface of Ray that this project uses; a test checks that each still exists.

Ray offers no public way to keep its handler of SIGTERM away, to start its processes in groups of
their own, to redirect what it prints about lost workers, or to choose the folder of its sockets.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import ray._private.services
import ray._private.utils
import ray._private.worker

logger = logging.getLogger(__name__)


@contextmanager
def sigterm_handler_kept() -> Iterator[None]:
    """Keep this process's handler of SIGTERM during `ray.init`.

    Ray's own prints a traceback and ends the process. It sets one handler in Python, which is
    suppressed, and one in C++ late in `ray.init`, which is replaced afterwards.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler):  # the program does not handle SIGTERM
        yield
        return
    set_by_ray = ray._private.utils.set_sigterm_handler
    ray._private.utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        ray._private.utils.set_sigterm_handler = set_by_ray
        signal.signal(signal.SIGTERM, handler)


@contextmanager
def processes_in_own_groups() -> Iterator[None]:
    """Let `ray.init` start every process in a process group of its own.

    `timeout` and batch systems send SIGTERM to this process's group: Ray has to live until what is
    in training is stored. Its processes still end with this one.
    """
    services: Any = ray._private.services
    started_by_ray = services.ConsolePopen
    services.ConsolePopen = partial(started_by_ray, process_group=0)
    try:
        yield
    finally:
        services.ConsolePopen = started_by_ray


def log_messages() -> None:
    """Send to the log what Ray prints about lost workers and nodes, twenty lines for each.

    Ray prints it to standard output whatever `log_to_driver` says, and so into the output of
    `--json`.
    """
    setattr(ray._private.worker, "print_to_stdstream", _log)  # noqa: B010 - not exported


def temporary_folder(folder: Path) -> dict[str, Any]:
    """Return the argument of `ray.init` for the folder of Ray's sockets and logs."""
    return {"_temp_dir": str(folder)}


def _log(message: dict[str, Any], ignore_prefix: bool = False) -> None:
    text = " ".join(str(line) for line in message["lines"])
    logger.info("Ray's %s: %s", message["pid"], text.partition("\n")[0])
