"""Training with the arithmetic that another row was made with, in a process of its own if need be.

A process chooses its arithmetic once, when it compiles its kernels
(`workers.kernel.instruction_set`). A row that was made with another one is trained again by a fresh
Python, which is handed the experiments as JSON and answers with an Arrow stream: nothing is
pickled, and a notebook needs no main module of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from search.experiment import Experiment
from search.layers import StoredInit
from search.specification import experiment_of, specification_row
from workers.kernel.instruction_set import ARITHMETIC, INSTRUCTION_SETS
from workers.kernel.simd import INSTRUCTION_SET
from workers.train import train_batch

_OF_THE_CPU: Final = "numba-"
_CANNOT_BE_TRAINED: Final = 3
"""Exit code of the child where `train_batch` refuses; its standard error has the reason."""


class ArithmeticUnavailable(ValueError):  # noqa: N818 - the name says what is the case
    """The process that was to train with another arithmetic was lost."""


def arithmetic_of(backend: str) -> str | None:
    """The arithmetic by the column `backend`: "avx2" of "numba-avx2"; None where it has none."""
    name = backend.removeprefix(_OF_THE_CPU)
    return name if backend.startswith(_OF_THE_CPU) and name in INSTRUCTION_SETS else None


def asking_for(arithmetic: str | None) -> dict[str, str]:
    """What makes a process that begins with it in its environment add so."""
    return {} if arithmetic is None else {ARITHMETIC: arithmetic}


def train_as(
    backend: str, experiments: Sequence[Experiment], inits: Mapping[str, StoredInit] | None = None
) -> pa.RecordBatch:
    """Trains experiments on the CPU with the arithmetic of a backend.

    Args:
        backend: as in the column `backend`; one that is none of this machine's kernels, such as
            "torch-cuda", stands for this process's own arithmetic.
        experiments: as for `workers.train.train_batch`.
        inits: likewise.

    Returns:
        As `workers.train.train_batch` does.

    Raises:
        ValueError: an experiment cannot be carried out.
        ArithmeticUnavailable: the process that trains was lost.
    """
    arithmetic = arithmetic_of(backend)
    if arithmetic in (None, INSTRUCTION_SET):
        return train_batch(experiments, inits)
    done = subprocess.run(
        # Not from the current folder, where a file may be called like a module.
        [sys.executable, "-P", "-m", __name__],
        input=_asked(experiments, inits or {}),
        env=os.environ | asking_for(arithmetic) | {"PYTHONPATH": os.pathsep.join(_paths())},
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == _CANNOT_BE_TRAINED:
        raise ValueError(said)
    if done.returncode != 0:
        raise ArithmeticUnavailable(
            f"the process that trains with the arithmetic {arithmetic} ended with exit code "
            f"{done.returncode}" + (f": {said.splitlines()[-1]}" if said else "")
        )
    with pa.ipc.open_stream(done.stdout) as reader:
        return reader.read_next_batch()


def _paths() -> list[str]:
    """Where the child looks for modules: where this process does.

    A notebook may have added a path of its own. One that lies beside the project finds it in the
    folder at hand, which it may have left since.
    """
    paths, project = [str(path) for path in sys.path], str(Path(__file__).resolve().parents[1])
    return paths if project in paths else [project, *paths]


def _asked(experiments: Sequence[Experiment], inits: Mapping[str, StoredInit]) -> bytes:
    """The question to the child. JSON holds every float exactly, as its shortest decimal."""
    asked = {
        "rows": [specification_row(experiment) for experiment in experiments],
        "inits": [
            {
                "name": init.name,
                "digest": init.digest,
                "layers": [[weight.tolist(), bias.tolist()] for weight, bias in init.layers],
            }
            for init in inits.values()
        ],
    }
    return json.dumps(asked).encode()


def _understood(asked: Mapping[str, Any]) -> tuple[list[Experiment], dict[str, StoredInit]]:
    """What `_asked` was made from."""
    inits = [
        StoredInit(
            init["name"],
            init["digest"],
            [
                (np.array(weight, np.float32), np.array(bias, np.float32))
                for weight, bias in init["layers"]
            ],
        )
        for init in asked["inits"]
    ]
    return [experiment_of(row) for row in asked["rows"]], {init.token: init for init in inits}


def _answer() -> None:
    """The child: trains what standard input asks for."""
    experiments, inits = _understood(json.load(sys.stdin.buffer))
    try:
        # A plug-in may print; standard output is for the answer alone.
        with contextlib.redirect_stdout(sys.stderr):
            batch = train_batch(experiments, inits)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(_CANNOT_BE_TRAINED)
    with pa.ipc.new_stream(sys.stdout.buffer, batch.schema) as stream:
        stream.write_batch(batch)


if __name__ == "__main__":
    _answer()
