"""Training with the arithmetic of another row, in a separate process if necessary.

A process chooses its arithmetic once, when it compiles its kernels
(`workers.kernel.instruction_set`). To train with another one, a new Python process receives the
experiments as JSON and returns an Arrow stream. Nothing is pickled, and a notebook needs no main
module.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from search.experiment import Experiment
from search.layers import StoredInit
from search.specification import experiment_of, specification_row
from workers.child_python import child_command, child_environment
from workers.kernel.instruction_set import ARITHMETIC, INSTRUCTION_SETS
from workers.kernel.simd import INSTRUCTION_SET
from workers.train import train_batch

_CPU_PREFIX: Final = "numba-"
_CANNOT_BE_TRAINED: Final = 3
"""Exit code of the child if `train_batch` refuses; the reason is on its standard error."""


class ArithmeticUnavailable(ValueError):  # noqa: N818 - describes the arithmetic
    """The process that was to train with another arithmetic ended without a result."""


def arithmetic_of(backend: str) -> str | None:
    """Return the arithmetic of a backend: "avx2" of "numba-avx2"; None of "torch-cuda"."""
    name = backend.removeprefix(_CPU_PREFIX)
    return name if backend.startswith(_CPU_PREFIX) and name in INSTRUCTION_SETS else None


def arithmetic_variables(arithmetic: str | None) -> dict[str, str]:
    """Return the environment variables with which a new process uses an arithmetic."""
    return {} if arithmetic is None else {ARITHMETIC: arithmetic}


def train_as(
    backend: str, experiments: Sequence[Experiment], inits: Mapping[str, StoredInit] | None = None
) -> pa.RecordBatch:
    """Return the rows of experiments trained on the CPU with the arithmetic of a backend.

    A backend that names no arithmetic, such as "torch-cuda", selects that of this process.
    Arguments and errors are those of `workers.train.train_batch`, and `ArithmeticUnavailable` if
    the process that trains ended without a result.
    """
    arithmetic = arithmetic_of(backend)
    if arithmetic in (None, INSTRUCTION_SET):
        return train_batch(experiments, inits)
    child = subprocess.run(
        child_command(__name__),
        input=_request(experiments, inits or {}),
        env=child_environment() | arithmetic_variables(arithmetic),
        capture_output=True,
        check=False,
    )
    message = child.stderr.decode(errors="replace").strip()
    if child.returncode == _CANNOT_BE_TRAINED:
        raise ValueError(message)
    if child.returncode != 0:
        raise ArithmeticUnavailable(
            f"the process that trains with the arithmetic {arithmetic} ended with exit code "
            f"{child.returncode}" + (f": {message.splitlines()[-1]}" if message else "")
        )
    with pa.ipc.open_stream(child.stdout) as reader:
        return reader.read_next_batch()


def _request(experiments: Sequence[Experiment], inits: Mapping[str, StoredInit]) -> bytes:
    """Return the child's input. JSON preserves every float, as its shortest decimal."""
    request = {
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
    return json.dumps(request).encode()


def _parsed(request: Mapping[str, Any]) -> tuple[list[Experiment], dict[str, StoredInit]]:
    """Return the experiments and initialisations of a request."""
    inits = [
        StoredInit(
            init["name"],
            init["digest"],
            [
                (np.array(weight, np.float32), np.array(bias, np.float32))
                for weight, bias in init["layers"]
            ],
        )
        for init in request["inits"]
    ]
    return [experiment_of(row) for row in request["rows"]], {init.token: init for init in inits}


def _run_child() -> None:
    """Train the request on standard input and write the rows to standard output."""
    experiments, inits = _parsed(json.load(sys.stdin.buffer))
    try:
        # A plug-in may print, but standard output must contain the stream alone.
        with contextlib.redirect_stdout(sys.stderr):
            batch = train_batch(experiments, inits)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(_CANNOT_BE_TRAINED)
    with pa.ipc.new_stream(sys.stdout.buffer, batch.schema) as stream:
        stream.write_batch(batch)


if __name__ == "__main__":
    _run_child()
