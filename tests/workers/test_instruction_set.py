from __future__ import annotations

import pytest

from workers.kernel.instruction_set import ARITHMETIC, INSTRUCTION_SETS, chosen_instruction_set


def test_environment_chooses_the_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in INSTRUCTION_SETS.items():
        monkeypatch.setenv(ARITHMETIC, name)
        assert chosen_instruction_set() == kind
    monkeypatch.setenv(ARITHMETIC, "")
    default = chosen_instruction_set()
    monkeypatch.delenv(ARITHMETIC)
    assert chosen_instruction_set() == default


def test_unknown_arithmetic_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARITHMETIC, "avx1024")
    with pytest.raises(ValueError, match=r"avx1024.*avx512, avx2"):
        chosen_instruction_set()
