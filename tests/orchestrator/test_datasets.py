"""The command `datasets`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.datasets import DATASETS
from tests.installed import install
from tests.orchestrator.running import refused, sparsest


def test_list_has_every_data_set_with_its_size() -> None:
    records = {record["name"]: record for record in json.loads(sparsest("datasets", "--json").out)}
    assert records.keys() == DATASETS.keys()
    digits = records["digits"]
    assert (digits["points"], digits["test_points"], digits["features"]) == (1442, 355, 64)
    assert (digits["classes"], digits["digest"]) == (10, DATASETS["digits"].digest)
    shown = sparsest("datasets").out
    for record in records.values():
        (line,) = [line for line in shown.splitlines() if line.split()[0] == record["name"]]
        assert f"{record['points']:,}" in line


def test_plug_in_is_listed_and_a_broken_one_is_reported(site: Path) -> None:
    good = "from sparsest import Dataset\n" + (
        "def corners(): return Dataset.of('corners', [[-1], [1]], [0, 1])\n"
        "def flat(): return Dataset.of('flat', [[1], [1]], [0, 1])\n"
    )
    points = {"corners": "made:corners", "flat": "made:flat"}
    install(site, "made", "1.0", {"sparsest.datasets": points}, made=good)
    ended = sparsest("datasets", "--json")
    names = [record["name"] for record in json.loads(ended.out)]
    assert "corners" in names
    assert "flat" not in names
    assert "x1" in ended.err
    shown = json.loads(sparsest("datasets", "--show", "corners", "--json").out)
    assert (shown["linear_accuracy"], shown["points_of_class"]) == (1.0, [1, 1])


def test_data_set_with_two_features_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = json.loads(sparsest("datasets", "--show", "two-moons", "--json").out)
    assert shown["drawing"] == "two-moons.svg"
    first = Path("two-moons.svg").read_bytes()
    assert first.startswith(b"<?xml")
    sparsest("datasets", "--show", "two-moons", "--output", "again.svg", "--dark")
    assert Path("again.svg").read_bytes() != first


def test_data_set_with_more_features_is_described_without_a_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = sparsest("datasets", "--show", "parity-3")
    assert DATASETS["parity-3"].digest in ended.out
    assert list(tmp_path.glob("*.*")) == []
    assert "features" in refused("datasets", "--show", "parity-3", "--output", "x.svg")
    assert "'parity-9'" in refused("datasets", "--show", "parity-9")
