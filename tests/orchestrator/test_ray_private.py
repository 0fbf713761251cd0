"""Ray still has the private interfaces that `orchestrator.cluster.ray_private` uses."""

from __future__ import annotations

import inspect
import logging
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import ray
from ray._private import services, utils, worker

from orchestrator.cluster import private_folders, ray_private


def test_ray_sets_its_sigterm_handler_by_the_function_that_is_replaced() -> None:
    assert list(inspect.signature(utils.set_sigterm_handler).parameters) == ["sigterm_handler"]
    source = inspect.getsource(worker)
    assert "set_sigterm_handler(" in source


def test_sigterm_handler_of_the_program_is_kept() -> None:
    def ours(number: int, frame: object) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGTERM, ours)
    try:
        with ray_private.sigterm_handler_kept():
            utils.set_sigterm_handler(signal.SIG_IGN)  # type: ignore[no-untyped-call]
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Ray's C++ code does
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


def test_processes_of_ray_are_in_groups_of_their_own() -> None:
    assert "process = ConsolePopen(" in inspect.getsource(services.start_ray_process)
    shows = [sys.executable, "-c", "import os; print(os.getpid() == os.getpgrp())"]
    with ray_private.processes_in_own_groups():
        process = services.ConsolePopen(shows, stdout=subprocess.PIPE, text=True)
    assert process.communicate()[0] == "True\n"


def test_ray_prints_worker_messages_by_the_function_that_is_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = inspect.signature(worker.print_to_stdstream).parameters
    assert list(parameters)[1] == "ignore_prefix"
    assert "print_to_stdstream(" in inspect.getsource(worker)
    monkeypatch.setattr(worker, "print_to_stdstream", None)  # restored after the test
    ray_private.log_messages()
    with caplog.at_level(logging.INFO):
        worker.print_to_stdstream({"pid": 7, "lines": ["lost\nmore"]}, ignore_prefix=False)
    (record,) = caplog.records
    assert "7" in record.getMessage()
    assert "lost" in record.getMessage()


def test_ray_takes_its_temporary_folder_as_an_argument(tmp_path: Path) -> None:
    (name,) = ray_private.temporary_folder(tmp_path)
    assert f'"{name}"' in inspect.getsource(ray.init)


def test_ray_s_folder_is_inside_a_private_one_with_room_for_socket_paths() -> None:
    folder = private_folders.ray_folder()
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    path = folder / "session_2026-01-31_23-59-59_999999_4194304" / "sockets"
    path.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path / "plasma_store"))
    assert private_folders.ray_folder() != folder


def test_long_path_of_temporary_files_is_not_used_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / ("x" * 90)))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    assert private_folders._folder_with_a_short_path() == "/tmp"
