from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from workers.actor import MIN_MEMORY_LIMIT

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not psutil.LINUX, reason="other systems enforce no such limit")
def test_allocation_beyond_the_memory_limit_raises_a_memory_error() -> None:
    code = (
        "import numpy as np; from workers.actor import *;"
        "limit_memory(1);"
        "assert psutil.Process().rlimit(psutil.RLIMIT_DATA)[0] == MIN_MEMORY_LIMIT;"
        "np.zeros(MIN_MEMORY_LIMIT // 16, np.uint8);"
        "np.zeros(2 * MIN_MEMORY_LIMIT, np.uint8)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "MemoryError" in child.stderr
    assert MIN_MEMORY_LIMIT == 2 * 2**30
