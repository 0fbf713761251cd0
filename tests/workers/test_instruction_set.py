from __future__ import annotations

import pytest

from workers.kernel.instruction_set import ARITHMETIC, INSTRUCTION_SETS, chosen_instruction_set


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
