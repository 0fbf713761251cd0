"""The sparsest network of a method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analysis.selection import best_row
from storage.reading.reader import StoreReader
from tests.analysis.test_tables import NETWORKS, write_store


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    path = tmp_path_factory.mktemp("rows") / "store"
    moons: dict[str, Any] = {"weight_nnz": 3, "accuracy": 0.99, "dataset": "moons"}
    write_store(path, [*NETWORKS, moons])
    with StoreReader(path) as opened:
        yield opened


def test_best_row_is_the_sparsest_then_the_most_accurate(reader: StoreReader) -> None:
    row = best_row(reader, "search", 0.95, dataset="cubist-spiral")
    assert (row["weight_nnz"], row["accuracy"]) == (20, 0.97)


def test_data_set_must_be_chosen_if_the_method_has_several(reader: StoreReader) -> None:
    with pytest.raises(ValueError, match="cubist-spiral, moons"):
        best_row(reader, "search", 0.95)
    assert best_row(reader, "search", 0.95, dataset="moons")["weight_nnz"] == 3
    # SNIP has rows of one data set.
    assert best_row(reader, "snip", 0.95)["weight_nnz"] == 25
    with pytest.raises(ValueError, match="rings"):
        best_row(reader, "snip", 0.95, dataset="rings")


def test_accuracy_out_of_reach_names_the_highest(reader: StoreReader) -> None:
    with pytest.raises(LookupError, match=r"99\.95 .* 95 "):
        best_row(reader, "snip", 0.9995)
    with pytest.raises(LookupError, match="lth"):
        best_row(reader, "lth", 0.5)


def test_best_row_is_of_the_given_network(reader: StoreReader) -> None:
    assert best_row(reader, "snip", 0.7, structure="4x4x4")["width"] == 4
    assert best_row(reader, "snip", 0.7, width=8)["weight_nnz"] == 25
    with pytest.raises(LookupError, match="8x8"):
        best_row(reader, "snip", 0.7, structure="8x8")
