"""The commands about single experiments: show and replay."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsest as notebook
from search.specification import experiment_of
from storage.reading.reader import StoreReader
from tests.orchestrator.running import INLINE, query, refused, sparsest, write_sweep
from workers.kernel.simd import INSTRUCTION_SET
from workers.other_arithmetic import train_as


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that the commands run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_show_writes_the_file_that_it_names(trained: Path, folder: Path) -> None:
    ended = sparsest("show", "six:1", "--store", trained)
    # matplotlib may report on standard error that it builds its font cache.
    assert (ended.code, ended.out) == (0, "six-1.svg: six:1\n")
    content = (folder / "six-1.svg").read_text()
    assert content.count('id="network-1-connected"') == 1
    assert sparsest("show", "six:1", "--store", trained).code == 0  # the same drawing
    (folder / "six-1.svg").write_text("my edits")
    assert "six-1.svg" in refused("show", "six:1", "--store", trained)
    assert (folder / "six-1.svg").read_text() == "my edits"
    assert sparsest("show", "six:1", "--store", trained, "--overwrite").code == 0
    assert (folder / "six-1.svg").read_text() == content
    sparsest("show", "six:1", "six:4", "--store", trained)
    both = (folder / "six-1-and-six-4.svg").read_text()
    assert 'id="network-2-connected"' in both
    sparsest("show", "six:1", "--dark", "-o", "dark.png", "--store", trained)
    assert (folder / "dark.png").read_bytes()[:4] == b"\x89PNG"


def test_live_network_is_drawn_and_named_so(trained: Path, folder: Path) -> None:
    assert sparsest("show", "six:1", "--live", "--store", trained).out == "six-1-live.svg: six:1\n"
    content = (folder / "six-1-live.svg").read_text()
    assert "without dead parts" in content
    store = notebook.open(trained)
    live = store.network("six:1", live=True)
    counted = sum(int((weight != 0).sum()) for weight, _ in live.layers())
    assert counted == store.row("six:1")["live_nnz"]


def test_pruning_an_inaccurate_network_is_refused(trained: Path, folder: Path) -> None:
    assert "0.9" in refused("show", "six:1", "--pruned", "--store", trained)
    assert list(folder.iterdir()) == []


def test_drawing_is_written_to_the_target_of_a_link(trained: Path, folder: Path) -> None:
    (folder / "link.svg").symlink_to("target.svg")
    sparsest("show", "six:1", "-o", "link.svg", "--store", trained)
    assert (folder / "link.svg").is_symlink()
    assert (folder / "target.svg").read_text().startswith("<?xml")


def test_pipe_is_kept_and_the_drawing_refused(trained: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe.svg")
    words = ("show", "six:1", "-o", "pipe.svg", "--overwrite", "--store", trained)
    assert "pipe.svg" in refused(*words)
    assert (folder / "pipe.svg").is_fifo()


def test_first_digits_of_an_id_name_a_network(trained: Path, folder: Path) -> None:
    (row,) = query(trained, "SELECT experiment_id FROM results WHERE study_index = 2").to_pylist()
    ended = sparsest("show", row["experiment_id"][:10], "--store", trained)
    assert ended.out == "six-3.svg: six:3\n"


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["show"], "--best"),
        (["show", "six:99"], "six:99"),
        (["show", "nobody"], "nobody"),
        (["show", "six:1", "-o", "net.gif"], ".svg, .png, .pdf"),
        (["show", "six:1", "-o", "no/net.svg"], "folder no"),
        (["show", "six:1", "--width", "3"], "--best"),
        (["show", "six:1", "--dataset", "moons"], "--best"),
        (["show", *["six:1"] * 7], "limit is 6"),
        (["show", "--best", "magic"], "iter-snip"),
        (["show", "--best", "serch"], "'search'"),
        (["show", "--best", "lth"], "--study"),
        (["show", "--best", "search", "--target", "1"], "6 networks"),
        (["replay", "six:99"], "six:99"),
    ],
)
def test_mistake_is_refused_and_leaves_no_file(
    words: list[str], word: str, trained: Path, folder: Path
) -> None:
    assert word in refused(*words, "--store", trained)
    assert list(folder.iterdir()) == []


def test_diverged_training_cannot_be_drawn_but_replayed(tmp_path: Path, folder: Path) -> None:
    sweep = write_sweep(tmp_path / "wild.toml", 'structure = ["2x1"]\nlr = [1e9]')
    sparsest("run", sweep, "--store", tmp_path / "store", *INLINE)
    message = refused("show", "wild:1", "--store", tmp_path / "store")
    assert "diverged" in message
    assert list(folder.iterdir()) == []
    # It diverges again: the same.
    assert sparsest("replay", "wild:1", "--store", tmp_path / "store").code == 0


def test_best_is_the_sparsest_network_at_the_target(tmp_path: Path, folder: Path) -> None:
    sweep = write_sweep(tmp_path / "some.toml", 'structure = ["3x1", "1x1", "2x2"]\nwidth = [4, 5]')
    store = tmp_path / "store"
    sparsest("run", sweep, "--store", store, *INLINE)
    fewest = "SELECT 'some:' || (study_index + 1) AS name FROM results WHERE accuracy >= 0.4"
    order = "ORDER BY weight_nnz, model_nnz, accuracy DESC, study_index LIMIT 1"
    for words, condition in (([], ""), (["--width", "5"], "AND width = 5")):
        (row,) = query(store, f"{fewest} {condition} {order}").to_pylist()
        ended = sparsest(
            "show", "--best", "search", "--target", "0.4", *words, "--store", store, "--overwrite"
        )
        assert ended.out.endswith(f": {row['name']}\n")
    other = refused("show", "--best", "search", "--study", "other", "--store", store)
    assert "other" in other


def test_network_without_stored_weights_is_trained_again_and_drawn(
    trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreReader(trained) as reader:
        whole = reader.row("six:5")
    without = dict.fromkeys(("weight_index", "weights", "bias_index", "biases"))
    return_row(monkeypatch, {**whole, **without})
    ended = sparsest("show", "six:5", "--store", trained, "-o", "again.svg")
    assert "six:5" in ended.err
    notebook.save_drawing(notebook.draw(whole), "stored.svg")
    assert (folder / "again.svg").read_bytes() == (folder / "stored.svg").read_bytes()
    replayed = sparsest("replay", "six:5", "--store", trained)
    assert replayed.code == 0
    assert "weights and biases: not stored" in replayed.out
    return_row(monkeypatch, {**whole, **without, "loss": whole["loss"] + 1e-9})
    other = sparsest("show", "six:5", "--store", trained, "-o", "x.svg")
    assert other.code == 1
    assert "six:5" in other.err
    assert not (folder / "x.svg").exists()


def test_replay_of_a_stored_row_gives_the_same_bits(trained: Path) -> None:
    ended = sparsest("replay", "six:6", "--store", trained)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[-1] == "the same"
    assert "weights: all 8 are bit-identical" in lines
    assert "biases: all 5 are bit-identical" in lines
    record = json.loads(sparsest("replay", "six:6", "--store", trained, "--json").out)
    assert record["same"] is True
    assert record["weights"] == {"count": 8, "differing": 0, "largest": 0.0}


def test_one_different_bit_is_reported(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreReader(trained) as reader:
        row = reader.row("six:6")
    weights = [float(np.nextafter(np.float32(row["weights"][0]), np.float32(9)))]
    changed = {**row, "weights": weights + row["weights"][1:]}
    return_row(monkeypatch, changed)
    ended = sparsest("replay", "six:6", "--store", trained)
    assert ended.code == 1
    assert "weights: 1 of 8 differ" in ended.out
    assert ended.out.endswith("\nnot the same\n")
    ended = sparsest("replay", "six:6", "--store", trained, "--json")
    assert (ended.code, json.loads(ended.out)["same"]) == (1, False)


def test_row_of_another_processor_is_replayed_with_its_arithmetic(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "numba-generic" if INSTRUCTION_SET != "generic" else "numba-avx2"
    # The neurons fire: otherwise every order of additions gives the same weights.
    sweep = write_sweep(folder / "alive.toml", 'structure = ["6x5x4"]', base="epochs = 2")
    sparsest("run", sweep, "--store", "alive", *INLINE)
    with StoreReader("alive") as reader:
        own = reader.row("alive:1")
    (made,) = train_as(other, [experiment_of(own)]).to_pylist()
    assert made["weights"] != own["weights"]
    row = {**own, **made}
    return_row(monkeypatch, row)
    ended = sparsest("replay", "alive:1", "--store", "alive")
    assert f"stored by {other}, replayed by {other}\n" in ended.out
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "the same")
    return_row(monkeypatch, {**row, **dict.fromkeys(("weights", "biases"))})
    assert sparsest("show", "alive:1", "--store", "alive", "-o", "again.svg").code == 0
    notebook.save_drawing(notebook.draw(row), "made.svg")
    assert (folder / "again.svg").read_bytes() == (folder / "made.svg").read_bytes()


def return_row(monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]) -> None:
    """Let every store return this row."""
    monkeypatch.setattr(StoreReader, "row", lambda self, name: row)
