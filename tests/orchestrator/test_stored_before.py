"""Finding the rows of an edited sweep file, in this process and in others."""

from __future__ import annotations

import pytest

from orchestrator.planning import plan as module
from orchestrator.planning.plan import stored_before
from search.id_set import IdSet
from search.indices import IndexSet
from tests.orchestrator.fakes import small_study


@pytest.mark.parametrize("parallel_from", [0, 10**9], ids=["in other processes", "in this one"])
def test_stored_experiments_of_an_edited_file_are_found(
    parallel_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PARALLEL_FROM", parallel_from)
    monkeypatch.setattr(module, "CHUNK", 7)
    study = small_study(100)
    stored = IndexSet.of([(0, 3), (6, 8), (20, 55), (99, 100)])
    ids = IdSet.of_hex(study[index].experiment_id for index in stored)
    asked = IndexSet.of([(2, 40), (50, 100)])
    assert stored_before(study, asked, ids) == stored & asked
    assert not stored_before(study, IndexSet(), ids)
