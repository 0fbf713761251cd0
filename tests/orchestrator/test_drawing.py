"""The commands that look at one experiment: show and replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsest as notebook
from search.specification import experiment_of
from storage.reading.reader import StoreReader
from tests.orchestrator.running import HERE, query, refused, sparsest, write_sweep
from workers.kernel.simd import INSTRUCTION_SET
from workers.other_arithmetic import train_as


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the commands run."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_drawing_is_somewhere_else_than_was_said(trained: Path, folder: Path) -> None:
    ended = sparsest("show", "six:1", "--store", trained)
    # On standard error matplotlib may say that it looks for fonts, the first time.
    assert (ended.code, ended.out) == (0, "six-1.svg: six:1\n")
    content = (folder / "six-1.svg").read_text()
    assert content.count('id="network-1-connected"') == 1
    assert "exists already" in refused("show", "six:1", "--store", trained)
    assert sparsest("show", "six:1", "--store", trained, "--overwrite").code == 0
    assert (folder / "six-1.svg").read_text() == content
    sparsest("show", "six:1", "six:4", "--store", trained)
    both = (folder / "six-1-and-six-4.svg").read_text()
    assert 'id="network-2-connected"' in both
    sparsest("show", "six:1", "--dark", "-o", "dark.png", "--store", trained)
    assert (folder / "dark.png").read_bytes()[:4] == b"\x89PNG"


def test_beginning_of_an_id_names_no_network(trained: Path, folder: Path) -> None:
    (row,) = query(trained, "SELECT experiment_id FROM results WHERE study_index = 2").to_pylist()
    ended = sparsest("show", row["experiment_id"][:10], "--store", trained)
    assert ended.out == "six-3.svg: six:3\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "say what to draw"),
        (["show", "six:99"], "No stored experiment has the number six:99"),
        (["show", "nobody"], "names no experiment"),
        (["show", "six:1", "-o", "net.gif"], "net.gif: a drawing is written as .svg, .png, .pdf"),
        (["show", "six:1", "-o", "no/net.svg"], "there is no folder no"),
        (["show", "six:1", "--width", "3"], "go with --best"),
        (["show", *["six:1"] * 7], "at most 6"),
        (["show", "--best", "magic"], "there is no such method; there are search, snip"),
        (["show", "--best", "lth"], "there are no networks by lth here"),
        (["show", "--best", "search", "--target", "1"], "none of the 6 networks by search reaches"),
        (["replay", "six:99"], "No stored experiment"),
    ],
)
def test_mistake_is_a_traceback_or_leaves_a_file(
    words: list[str], said: str, trained: Path, folder: Path
) -> None:
    assert said in refused(*words, "--store", trained)
    assert list(folder.iterdir()) == []


def test_training_that_left_no_network_is_drawn(tmp_path: Path, folder: Path) -> None:
    sweep = write_sweep(tmp_path / "wild.toml", 'structure = ["2x1"]\nlr = [1e9]')
    sparsest("run", sweep, "--store", tmp_path / "store", *HERE)
    message = refused("show", "wild:1", "--store", tmp_path / "store")
    assert "has status 'diverged'" in message
    assert list(folder.iterdir()) == []
    # That it diverges again is the same.
    assert sparsest("replay", "wild:1", "--store", tmp_path / "store").code == 0


def test_sparsest_network_is_not_the_best_one(tmp_path: Path, folder: Path) -> None:
    sweep = write_sweep(tmp_path / "some.toml", 'structure = ["3x1", "1x1", "2x2"]\nwidth = [4, 5]')
    store = tmp_path / "store"
    sparsest("run", sweep, "--store", store, *HERE)
    fewest = "SELECT 'some:' || (study_index + 1) AS name FROM results WHERE accuracy >= 0.4"
    order = "ORDER BY weight_nnz, model_nnz, accuracy DESC, study_index LIMIT 1"
    for words, condition in (([], ""), (["--width", "5"], "AND width = 5")):
        (row,) = query(store, f"{fewest} {condition} {order}").to_pylist()
        ended = sparsest(
            "show", "--best", "search", "--target", "0.4", *words, "--store", store, "--overwrite"
        )
        assert ended.out.endswith(f": {row['name']}\n")
    other = refused("show", "--best", "search", "--study", "other", "--store", store)
    assert "no networks by search in other" in other


def test_network_whose_weights_are_not_stored_is_not_drawn(
    trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreReader(trained) as reader:
        whole = reader.row("six:5")
    without = dict.fromkeys(("weight_index", "weights", "bias_index", "biases"))
    _answer(monkeypatch, {**whole, **without})
    ended = sparsest("show", "six:5", "--store", trained, "-o", "again.svg")
    assert "six:5: its weights are not stored; training it again\n" in ended.err
    notebook.save_drawing(notebook.draw(whole), "stored.svg")
    assert (folder / "again.svg").read_bytes() == (folder / "stored.svg").read_bytes()
    replayed = sparsest("replay", "six:5", "--store", trained)
    assert replayed.code == 0
    assert "weights and biases: none stored to compare with" in replayed.out
    _answer(monkeypatch, {**whole, **without, "loss": whole["loss"] + 1e-9})
    other = sparsest("show", "six:5", "--store", trained, "-o", "x.svg")
    assert other.code == 1
    assert "comes out otherwise when trained again" in other.err
    assert not (folder / "x.svg").exists()


def test_stored_row_is_not_the_same_when_trained_again(trained: Path) -> None:
    ended = sparsest("replay", "six:6", "--store", trained)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[-1] == "the same"
    assert "weights: all 8 the same bits" in lines
    assert "biases: all 5 the same bits" in lines
    told = json.loads(sparsest("replay", "six:6", "--store", trained, "--json").out)
    assert told["same"] is True
    assert told["weights"] == {"count": 8, "differing": 0, "largest": 0.0}


def test_other_bits_count_as_the_same(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreReader(trained) as reader:
        row = reader.row("six:6")
    weights = [float(np.nextafter(np.float32(row["weights"][0]), np.float32(9)))]
    changed = {**row, "weights": weights + row["weights"][1:]}
    _answer(monkeypatch, changed)
    ended = sparsest("replay", "six:6", "--store", trained)
    assert ended.code == 1
    assert "weights: 1 of 8 differ, by up to" in ended.out
    assert ended.out.endswith("\nnot the same\n")
    told = sparsest("replay", "six:6", "--store", trained, "--json")
    assert (told.code, json.loads(told.out)["same"]) == (1, False)


def test_row_of_another_processor_is_trained_in_this_one_s_arithmetic(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "numba-generic" if INSTRUCTION_SET != "generic" else "numba-avx2"
    # Its neurons fire: where none does, every order of additions gives the same weights.
    sweep = write_sweep(folder / "alive.toml", 'structure = ["6x5x4"]', base="epochs = 2")
    sparsest("run", sweep, "--store", "alive", *HERE)
    with StoreReader("alive") as reader:
        own = reader.row("alive:1")
    (made,) = train_as(other, [experiment_of(own)]).to_pylist()
    assert made["weights"] != own["weights"]
    row = {**own, **made}
    _answer(monkeypatch, row)
    ended = sparsest("replay", "alive:1", "--store", "alive")
    assert f"made by {other}, now by {other}\n" in ended.out
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "the same")
    _answer(monkeypatch, {**row, **dict.fromkeys(("weights", "biases"))})
    assert sparsest("show", "alive:1", "--store", "alive", "-o", "again.svg").code == 0
    notebook.save_drawing(notebook.draw(row), "made.svg")
    assert (folder / "again.svg").read_bytes() == (folder / "made.svg").read_bytes()


def _answer(monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]) -> None:
    """Makes every store answer with this row."""
    monkeypatch.setattr(StoreReader, "row", lambda self, name: row)
