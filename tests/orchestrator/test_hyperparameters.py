"""Hyperparameters of a sweep file, from the file to the rows of a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.orchestrator.running import INLINE, query, refused, sparsest

SWEEP = """
name = "mine"
[base]
epochs = 1
[[grid]]
method = ["rigl", "lth"]
width = [4]
target_nnz = [20]
[[grid]]
structure = ["2x1"]
[rigl]
interval = [60, 100]
[lth]
rounds = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep file and a store of all its rows."""
    folder = tmp_path_factory.mktemp("hyperparameters")
    (folder / "mine.toml").write_text(SWEEP)
    ended = sparsest("run", folder / "mine.toml", "--store", folder / "store", *INLINE)
    assert ended.code == 0, ended.err
    return folder


def test_hyperparameters_reach_the_store(folder: Path) -> None:
    listing = sparsest("list", folder / "mine.toml", "--json").out.splitlines()
    listed = {record["experiment_id"]: record for record in map(json.loads, listing)}
    rows = query(
        folder / "store", "SELECT experiment_id, method, hyperparameters, status FROM results"
    ).to_pylist()
    assert {row["experiment_id"] for row in rows} == set(listed)
    for row in rows:
        text = row["hyperparameters"]
        assert (None if text is None else json.loads(text)) == listed[row["experiment_id"]][
            "hyperparameters"
        ]
        assert row["status"] in ("ok", "collapsed")
    stored = sorted((row["method"], row["hyperparameters"] or "") for row in rows)
    assert stored == [
        ("lth", '{"rounds": 2}'),
        ("rigl", ""),
        ("rigl", '{"interval": 60}'),
        ("search", ""),
    ]


def test_row_of_the_default_value_counts_without_the_table(folder: Path) -> None:
    plain = folder / "plain.toml"
    plain.write_text(SWEEP.split("[rigl]")[0])
    (study,) = json.loads(sparsest("plan", plain, "--store", folder / "store", "--json").out)[
        "studies"
    ]
    # The lottery ticket with its default rounds is not stored.
    assert (study["planned"], study["stored"], study["remaining"]) == (3, 2, 1)


def test_listing_shows_the_rounds_of_the_sweep(folder: Path) -> None:
    lines = [line.split("\t") for line in sparsest("list", folder / "mine.toml").out.splitlines()]
    assert [(line[1], line[5], line[-1]) for line in lines] == [
        ("rigl", "1", "interval=60"),
        ("rigl", "1", "-"),
        ("lth", "2", "rounds=2"),
        ("search", "1", "-"),
    ]


@pytest.mark.parametrize(
    ("text", "message_part"),
    [
        (
            '[base]\nmethod = "rigl"\ntarget_nnz = 20\n[rigl]\ninterval = 0',
            "[rigl]: interval",
        ),
        (
            '[base]\nmethod = "gmp"\ntarget_nnz = 20\nepochs = 1\nbatch_size = 256',
            "epochs from 2",
        ),
    ],
)
def test_impossible_hyperparameters_are_refused_before_training(
    tmp_path: Path, text: str, message_part: str
) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{text}')
    message = refused("run", tmp_path / "mine.toml", "--store", tmp_path / "store", *INLINE)
    assert message_part in message
    assert not (tmp_path / "store").exists()
