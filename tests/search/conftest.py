"""Fixtures of the tests of sweep files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from search.study import Study
from search.sweeps.file import load_sweep

Load = Callable[[str], Study]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load the sweep of a text that omits the name."""

    def load_text(text: str) -> Study:
        path = tmp_path / "my.toml"
        path.write_text(f'name = "my-sweep"\n{text}')
        return load_sweep(path)

    return load_text
