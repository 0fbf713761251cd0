"""Scratch folders: removed on exit, and by the next process if their own was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storage.scratch import scratch_folder

_HOLD = """
import sys
from pathlib import Path
from storage.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), ".report-") as folder:
    (folder / "half").write_text("written")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_folder_is_removed_on_exit(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, ".report-") as folder:
        assert folder.parent == tmp_path
    with pytest.raises(ValueError, match="stop"), scratch_folder(tmp_path, ".report-"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with scratch_folder(tmp_path, ".report-"):
            assert len(list(tmp_path.iterdir())) == 2  # that of the living process stays
        process.kill()
    assert len(list(tmp_path.iterdir())) == 1
    with scratch_folder(tmp_path, ".report-") as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_folders_of_other_programs_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".report-mine").mkdir()
    (tmp_path / ".report-mine" / "thesis.tex").touch()
    with scratch_folder(tmp_path, ".report-"):
        pass
    assert (tmp_path / ".report-mine" / "thesis.tex").exists()
