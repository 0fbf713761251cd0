from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from workers.instruction_set import ARITHMETIC, INSTRUCTION_SETS, chosen_instruction_set

ROOT = Path(__file__).resolve().parents[2]

# Three published rows of phase2-95, trained again: prints what differs.
_AGAIN = """
from storage.paths import published_folder
from storage.published_file import open_published
from workers.train import train_batch

file = open_published(published_folder(), "phase2-95")
rows = file.rows().take([0, 70_001, 150_000]).to_pylist()
again = train_batch([file.study[row["study_index"]] for row in rows]).to_pylist()
for before, after in zip(rows, again):
    for name in ("backend", "status", "accuracy", "loss", "weight_nnz", "model_nnz"):
        if before[name] != after[name]:
            print(before["study_index"], name, before[name], after[name])
"""


def test_published_rows_come_out_otherwise_on_another_processor() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SPARSEST_RESULTS"}
    rows = pq.read_table(ROOT / "results" / "phase2-95.parquet", columns=["backend"])
    (backend,) = rows.column("backend").unique().to_pylist()
    done = subprocess.run(
        [sys.executable, "-c", _AGAIN],
        env=environment | {"PYTHONPATH": str(ROOT), ARITHMETIC: backend.removeprefix("numba-")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_arithmetic_asked_for_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in INSTRUCTION_SETS.items():
        monkeypatch.setenv(ARITHMETIC, name)
        assert chosen_instruction_set() == kind
    monkeypatch.setenv(ARITHMETIC, "")
    mine = chosen_instruction_set()
    monkeypatch.delenv(ARITHMETIC)
    assert chosen_instruction_set() == mine


def test_unknown_arithmetic_is_taken_for_the_processor_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARITHMETIC, "avx1024")
    with pytest.raises(ValueError, match=r"avx1024: there is no such arithmetic.*avx512, avx2"):
        chosen_instruction_set()
