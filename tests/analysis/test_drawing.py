"""Drawings: every weight once, grey what is on no path, readable, and the same each time."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import sparsest
from analysis.drawing.cards import ALONE, BESIDE, Box, Page
from analysis.drawing.layout import neuron_boxes
from analysis.drawing.numbers import SAID_COLUMNS, title_of_row
from analysis.drawing.palette import LIGHT
from analysis.drawing.parts import Parts
from analysis.drawing.weights import line_width
from analysis.network import NETWORK_COLUMNS
from pruning.connectivity import Connectivity, effective_mask
from pruning.network import MaskedNetwork
from search.experiment import Experiment
from tests.analysis.drawn_networks import NETWORKS, chain, network
from workers.datasets import Dataset
from workers.train import train_batch

ROOT = Path(__file__).resolve().parents[2]


def curves(figure: Figure, kind: str, number: int = 1) -> PathCollection:
    """The weights of one kind of one network of a drawing."""
    (found,) = [
        collection
        for collection in figure.axes[0].collections
        if collection.get_gid() == f"network-{number}-{kind}"
    ]
    assert isinstance(found, PathCollection)
    return found


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def weights_of(drawn: MaskedNetwork) -> list[Any]:
    return [weight for weight, _ in drawn.layers()]


@pytest.mark.parametrize("name", NETWORKS)
def test_weight_is_drawn_twice_or_not_at_all(name: str) -> None:
    drawn = NETWORKS[name]
    weights, biases = weights_of(drawn), [bias for _, bias in drawn.layers()]
    figure = sparsest.draw(drawn)
    connected, disconnected = curves(figure, "connected"), curves(figure, "disconnected")
    counted = Connectivity.of(weights, biases)
    assert len(connected.get_paths()) == counted.effective_nnz
    assert len(disconnected.get_paths()) == counted.disconnected_nnz
    masks = effective_mask(weights)
    positive = [(weight > 0) & mask for weight, mask in zip(weights, masks, strict=True)]
    assert count_of(LIGHT.positive, connected) == sum(int(mask.sum()) for mask in positive)
    assert count_of(LIGHT.grey, disconnected) == counted.disconnected_nnz


def count_of(colour: str, drawn: PathCollection) -> int:
    """How many curves have a colour."""
    return sum(to_hex(edge) == colour for edge in drawn.get_edgecolor())  # type: ignore[arg-type]


def test_connected_part_is_grey_or_a_loose_one_is_not() -> None:
    figure = sparsest.draw(chain())
    assert count_of(LIGHT.negative, curves(figure, "connected")) == 2
    assert count_of(LIGHT.positive, curves(figure, "connected")) == 2
    assert count_of(LIGHT.grey, curves(figure, "disconnected")) == 2
    dashed = [
        patch.get_linestyle() in ("--", "dashed")
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle)
    ]
    # Two inputs, neurons 0 and 1 of layer 1, neurons 0 and 1 of layer 2; one in the legend.
    assert dashed == [False, False, False, True, False, True, True]
    assert "disconnected weight" in texts(figure)
    assert "disconnected weight" not in texts(sparsest.draw(NETWORKS["dense"]))


def test_neurons_that_are_left_out_are_not_told() -> None:
    figure = sparsest.draw(chain())
    assert "layer 1\n2 of 3 drawn" in texts(figure)
    assert Parts.of(weights_of(chain())).neurons_left_out == 2
    assert texts(sparsest.draw(NETWORKS["empty"])).count("no weights left") == 2


def test_same_weight_has_another_width_in_another_drawing() -> None:
    alone, beside = sparsest.draw(chain()), sparsest.draw(NETWORKS["wider"], chain())
    expected = [line_width(weight) for weight in (-4, -2, 1, 0.5)]
    for widths in (curves(alone, "connected"), curves(beside, "connected", 2)):
        assert np.ravel(widths.get_linewidth()).tolist() == pytest.approx(expected)
    assert line_width(0.1) < line_width(1) < line_width(4)
    assert line_width(1e9) == line_width(1e6)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("card", [ALONE, BESIDE], ids=["alone", "beside"])
def test_neurons_lie_on_one_another_or_outside(name: str, card: Any) -> None:
    parts = Parts.of(weights_of(NETWORKS[name]))
    boxes = [box for box in neuron_boxes(parts, card).values() if box != card.region]
    tolerance = 1e-9
    for box in boxes:
        assert card.network.x - tolerance <= box.x
        assert box.right <= card.network.right + tolerance
        assert card.network.y - tolerance <= box.y
        assert box.top <= card.network.top + tolerance
        assert box.width > 0.03
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2))


def overlap(a: Box, b: Box) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.top and b.y < a.top


@pytest.mark.parametrize(
    "names",
    [
        *([name] for name in NETWORKS),
        ["pruned", "collapsed"],
        ["deep", "very wide"],
        ["chain", "dense", "single", "pruned"],
        ["chain", "dense", "deep", "linear", "collapsed"],
    ],
    ids="+".join,
)
def test_text_is_written_over_text_or_over_the_edge(names: list[str]) -> None:
    figure = sparsest.draw(*(NETWORKS[name] for name in names))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1
    said = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    over = [
        (said[a], said[b])
        for (a, one), (b, other) in combinations(enumerate(boxes), 2)
        if one.overlaps(other)
    ]
    assert over == []


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_same_drawing_is_another_file(suffix: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in ("a", "b", "c")]
    for file in files[:2]:
        sparsest.save_drawing(sparsest.draw(chain()), file)
    with matplotlib.rc_context({"font.size": 30, "savefig.bbox": "tight", "svg.fonttype": "none"}):
        sparsest.save_drawing(sparsest.draw(chain()), files[2])
    first, second, third = (file.read_bytes() for file in files)
    assert first == second == third
    # Two drawings within a second would have the same date as well.
    assert not any(word in first for word in (b"CreationDate", b"<dc:date>", b"tIME"))
    assert sorted(tmp_path.iterdir()) == files


def test_dark_drawing_is_light() -> None:
    light, dark = sparsest.draw(chain()), sparsest.draw(chain(), dark=True)
    assert sum(to_rgb(light.get_facecolor())) > 2.9
    assert sum(to_rgb(dark.get_facecolor())) < 0.5


def test_drawing_takes_part_in_the_plots_of_a_notebook() -> None:
    code = (
        "import sys, orchestrator.cli\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules), 'every command waits for them'\n"
        "import sparsest\n"
        "from tests.analysis.drawn_networks import chain\n"
        "sparsest.draw(chain())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_number_of_networks_is_not_checked() -> None:
    with pytest.raises(ValueError, match="0 networks: 1 to 6"):
        sparsest.draw()
    with pytest.raises(ValueError, match="7 networks: 1 to 6"):
        sparsest.draw(*[chain()] * 7)


@pytest.mark.parametrize(("networks", "columns", "rows"), [(3, 3, 1), (4, 2, 2), (5, 3, 2)])
def test_networks_stand_in_a_strip_that_no_page_is_wide_enough_for(
    networks: int, columns: int, rows: int
) -> None:
    cards = Page.of(networks).cards
    assert len(cards) == networks
    assert len({card.title.x for card in cards}) == columns
    assert len({card.title.y for card in cards}) == rows
    # As one reads: the next one is to the right, or below.
    assert sorted(cards, key=lambda card: (-card.title.y, card.title.x)) == [*cards]


def test_row_without_a_network_is_drawn() -> None:
    row = dict.fromkeys((*NETWORK_COLUMNS, *SAID_COLUMNS, "dataset"))
    row |= {"experiment_id": "ab", "status": "diverged"}
    with pytest.raises(ValueError, match="experiment ab has status 'diverged'"):
        sparsest.draw(row)


def test_drawing_reads_a_column_that_it_does_not_ask_for() -> None:
    (row,) = train_batch([Experiment(structure=(2, 1), epochs=1)]).to_pylist()
    row |= {"study_index": 3, "paper_group": None, "paper_run_id": None}
    asked = (*NETWORK_COLUMNS, *SAID_COLUMNS, "dataset")
    sparsest.draw({name: row[name] for name in asked})
    # As a query gives it.
    for name in ("weights", "lr", "dataset"):
        with pytest.raises(ValueError, match=f"the row lacks {name}: take the whole row"):
            sparsest.draw({other: row[other] for other in asked if other != name})


def test_data_that_fill_no_plane_are_drawn() -> None:
    points = np.zeros((4, 3), np.float32)
    cube = Dataset("cube", points, np.array([0, 1, 0, 1], np.float32))
    with pytest.raises(ValueError, match="network has 2 inputs, cube has 3 features"):
        sparsest.draw(chain(), dataset=cube)
    with pytest.raises(ValueError, match="only networks on points of a plane"):
        sparsest.draw(network([3, 2, 1]), dataset=cube)


def test_pruned_network_is_called_by_what_it_began_as() -> None:
    row = {"method": "iter-snip", "target_nnz": 19, "width": 4, "structure": None, "accuracy": 0.95}
    said = "Iter SNIP from width 4: 18 weights left in 4x2x2, 95.00 %"
    assert title_of_row(row, "4x2x2", 18) == said
    given = {**row, "structure": "5x4"}
    assert title_of_row(given, "5x2", 1).startswith("Iter SNIP from 5x4: 1 weight left in 5x2, ")
    searched = {**given, "method": "search", "target_nnz": None}
    assert title_of_row(searched, "5x3", 18) == "5x4 by search: 18 weights, 95.00 % accuracy"


def test_file_that_cannot_be_written_leaves_something_behind(tmp_path: Path) -> None:
    figure = sparsest.draw(chain())
    with pytest.raises(ValueError, match=r"written as \.svg, \.png, \.pdf"):
        sparsest.save_drawing(figure, tmp_path / "net.gif")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        sparsest.save_drawing(figure, tmp_path / "no" / "net.svg")
    (tmp_path / "net.svg").write_text("old")
    with pytest.raises(FileExistsError, match="exists already"):
        sparsest.save_drawing(figure, tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "old"
    sparsest.save_drawing(figure, tmp_path / "net.svg", overwrite=True)
    assert (tmp_path / "net.svg").read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["net.svg"]
