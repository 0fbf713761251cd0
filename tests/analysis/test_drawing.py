"""Drawings: every weight once, off-path parts in grey, readable text, the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import sparsest
from analysis.drawing.caption import CAPTION_COLUMNS, title_of_row
from analysis.drawing.layout import SHARED, SINGLE, Box, neuron_boxes, page_of
from analysis.drawing.palette import LIGHT
from analysis.drawing.panel import confusion_matrix
from analysis.drawing.parts import MAX_DRAWN, Parts
from analysis.drawing.weights import line_width
from analysis.row_network import NETWORK_COLUMNS, network_from_row
from pruning.connectivity import Connectivity
from pruning.functional_sparsity import count_active_points, live_mask
from pruning.network import MaskedNetwork
from search.experiment import Experiment
from tests.analysis.drawn_networks import NETWORKS, chain, network, on_the_spiral
from workers.datasets import Dataset, load_dataset
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
ROOT = Path(__file__).resolve().parents[2]


def curves(figure: Figure, kind: str, number: int = 1) -> PathCollection:
    """Return the weights of one kind of one network in a drawing."""
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
def test_every_weight_is_drawn_once(name: str) -> None:
    drawn = NETWORKS[name]
    weights, biases = weights_of(drawn), [bias for _, bias in drawn.layers()]
    figure = sparsest.draw(drawn)
    connected, disconnected = curves(figure, "connected"), curves(figure, "disconnected")
    counted = Connectivity.of(weights, biases)
    masks = live_mask(weights, count_active_points(drawn.layers(), SPIRAL.points))
    live = sum(int(mask.sum()) for mask in masks)
    assert len(connected.get_paths()) == live
    assert len(curves(figure, "dead").get_paths()) == counted.effective_nnz - live
    parts = Parts.of(weights)
    drawn_off_path = [
        edge
        for edge in parts.edges
        if not edge.on_path
        and all(neuron in parts.drawn[layer] for layer, neuron in (edge.start, edge.end))
    ]
    assert len(disconnected.get_paths()) == len(drawn_off_path)
    if max(map(len, parts.shown)) <= MAX_DRAWN:
        assert len(drawn_off_path) == counted.disconnected_nnz
    positive = [(weight > 0) & mask for weight, mask in zip(weights, masks, strict=True)]
    assert count_of(LIGHT.positive, connected) == sum(int(mask.sum()) for mask in positive)
    assert count_of(LIGHT.grey, disconnected) == len(drawn_off_path)


def count_of(colour: str, drawn: PathCollection) -> int:
    """Count the curves of a colour."""
    return sum(to_hex(edge) == colour for edge in drawn.get_edgecolor())  # type: ignore[arg-type]


def test_disconnected_parts_are_grey_and_dashed() -> None:
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


def test_dead_parts_are_dotted() -> None:
    # Neuron 1 of layer 2 never fires, and neuron 1 of layer 1 leads only to it.
    layers = [
        (np.eye(2, dtype=np.float32), np.full(2, 9, np.float32)),
        (np.eye(2, dtype=np.float32), np.array([0, -99], np.float32)),
        (np.ones((1, 2), np.float32), np.zeros(1, np.float32)),
    ]
    figure = sparsest.draw(on_the_spiral(MaskedNetwork(layers)))
    assert len(curves(figure, "dead").get_paths()) == 3
    assert count_of(LIGHT.positive, curves(figure, "connected")) == 3
    dotted = [
        patch.get_linestyle() in (":", "dotted")
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle)
    ]
    # Two inputs, layer 1, layer 2; one in the legend.
    assert dotted == [False, False, False, True, False, True, True]
    assert "dead neuron" in texts(figure)
    assert "dead neuron" not in texts(sparsest.draw(chain()))


def test_omitted_neurons_are_reported() -> None:
    figure = sparsest.draw(chain())
    assert "layer 1\n2 of 3 drawn" in texts(figure)
    assert texts(sparsest.draw(NETWORKS["empty"])).count("no weights left") == 2


def test_line_width_of_a_weight_is_the_same_in_every_drawing() -> None:
    alone, beside = sparsest.draw(chain()), sparsest.draw(NETWORKS["wider"], chain())
    expected = [line_width(weight) for weight in (-4, -2, 1, 0.5)]
    for widths in (curves(alone, "connected"), curves(beside, "connected", 2)):
        assert np.ravel(widths.get_linewidth()).tolist() == pytest.approx(expected)
    assert line_width(0.1) < line_width(1) < line_width(4)
    assert line_width(1e9) == line_width(1e6)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("card", [SINGLE, SHARED], ids=["single", "shared"])
def test_neurons_do_not_overlap_and_stay_on_the_card(name: str, card: Any) -> None:
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
def test_text_does_not_overlap_and_stays_on_the_page(names: list[str]) -> None:
    figure = sparsest.draw(*(NETWORKS[name] for name in names))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1
    written = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    overlapping = [
        (written[a], written[b])
        for (a, one), (b, other) in combinations(enumerate(boxes), 2)
        if one.overlaps(other)
    ]
    assert overlapping == []


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_same_drawing_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in ("a", "b", "c")]
    for file in files[:2]:
        sparsest.save_drawing(sparsest.draw(chain()), file)
    with matplotlib.rc_context({"font.size": 30, "savefig.bbox": "tight", "svg.fonttype": "none"}):
        sparsest.save_drawing(sparsest.draw(chain()), files[2])
    first, second, third = (file.read_bytes() for file in files)
    assert first == second == third
    # Drawings made within one second would share their date even if it were written.
    assert not any(word in first for word in (b"CreationDate", b"<dc:date>", b"tIME"))
    assert sorted(tmp_path.iterdir()) == files


def test_network_of_a_row_is_drawn_over_its_own_data_set() -> None:
    moons = Dataset(
        "moons",
        np.array([[0, 0], [1, 1], [3, 3], [4, 4]], np.float32),
        np.array([0, 0, 1, 1], np.float32),
    )
    (row,) = train_batch([Experiment(structure=(2, 1), epochs=1)]).to_pylist()
    network = network_from_row(row)
    assert network.dataset == "cubist-spiral"
    (title, *_) = [text for text in texts(sparsest.draw(network)) if "accuracy on" in text]
    assert title.endswith("on cubist-spiral")
    network.dataset = None
    with pytest.raises(ValueError, match="dataset="):
        sparsest.draw(network)
    network.dataset = "unknown-data"
    with pytest.raises(ValueError, match="unknown-data"):
        sparsest.draw(network)
    # Another data set is drawn on request, with the accuracy on that one.
    assert any(text.endswith("on moons") for text in texts(sparsest.draw(network, dataset=moons)))
    row |= {"study_index": 3, "paper_group": None, "paper_run_id": None}
    assert any(text.endswith("on moons") for text in texts(sparsest.draw(row, dataset=moons)))


def test_output_neuron_has_the_colours_of_the_decision_region() -> None:
    figure = sparsest.draw(chain(), chain())
    images = {image.get_gid(): image for image in figure.axes[0].images}
    region = next(
        image
        for axes in figure.axes
        for image in axes.images
        if image.get_gid() == "network-1-region"
    )
    output = np.asarray(images["network-1-neuron-3-0"].get_array(), float)
    reference = np.asarray(region.get_array(), float)
    # The same function at different resolutions: the ranges of the colours agree.
    for end in (np.min, np.max):
        assert end(output[..., 2]) == pytest.approx(end(reference[..., 2]), abs=6)


def test_png_has_enough_pixels_for_print(tmp_path: Path) -> None:
    sparsest.save_drawing(sparsest.draw(chain()), tmp_path / "net.png")
    header = (tmp_path / "net.png").read_bytes()[16:24]
    assert int.from_bytes(header[:4], "big") >= 300 * 13


def test_dark_drawing_has_a_dark_background() -> None:
    light, dark = sparsest.draw(chain()), sparsest.draw(chain(), dark=True)
    assert sum(to_rgb(light.get_facecolor())) > 2.9
    assert sum(to_rgb(dark.get_facecolor())) < 0.5


def test_drawing_does_not_import_pyplot() -> None:
    code = (
        "import sys, orchestrator.cli\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules), 'every command waits for them'\n"
        "import sparsest\n"
        "from tests.analysis.drawn_networks import chain\n"
        "sparsest.draw(chain())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_number_of_networks_is_checked() -> None:
    with pytest.raises(ValueError, match="0 networks"):
        sparsest.draw()
    with pytest.raises(ValueError, match="7 networks"):
        sparsest.draw(*[chain()] * 7)


@pytest.mark.parametrize(("networks", "columns", "rows"), [(3, 3, 1), (4, 2, 2), (5, 3, 2)])
def test_more_than_three_networks_take_two_rows(networks: int, columns: int, rows: int) -> None:
    cards = page_of(networks)[1]
    assert len(cards) == networks
    assert len({card.title.x for card in cards}) == columns
    assert len({card.title.y for card in cards}) == rows
    # Reading order: left to right, then top to bottom.
    assert sorted(cards, key=lambda card: (-card.title.y, card.title.x)) == [*cards]


def test_row_without_a_network_is_refused() -> None:
    row = dict.fromkeys((*NETWORK_COLUMNS, *CAPTION_COLUMNS))
    row |= {"experiment_id": "ab", "status": "diverged"}
    with pytest.raises(ValueError, match=r"ab .*'diverged'"):
        sparsest.draw(row)


def test_row_that_lacks_a_column_is_refused() -> None:
    (row,) = train_batch([Experiment(structure=(2, 1), epochs=1)]).to_pylist()
    row |= {"study_index": 3, "paper_group": None, "paper_run_id": None}
    wanted = (*NETWORK_COLUMNS, *CAPTION_COLUMNS)
    sparsest.draw({name: row[name] for name in wanted})
    for name in ("weights", "lr", "dataset"):
        with pytest.raises(ValueError, match=f"lacks {name}"):
            sparsest.draw({other: row[other] for other in wanted if other != name})


def test_data_that_do_not_fit_the_network_are_refused() -> None:
    points = np.arange(12, dtype=np.float32).reshape(4, 3)
    cube = Dataset("cube", points, np.array([0, 1, 0, 1], np.float32))
    with pytest.raises(ValueError, match=r"network has 2 inputs.*, cube has 3 features"):
        sparsest.draw(chain(), dataset=cube)
    with pytest.raises(ValueError, match=r"3 outputs, cube has .* 2 classes"):
        sparsest.draw(network([3, 2, 3]), dataset=cube)


def test_neurons_on_no_path_of_a_wide_layer_are_only_counted() -> None:
    drawn = network([2, 128, 128, 1], lambda layer: [0.5, 0.004, 0.5][layer])
    parts = Parts.of(weights_of(drawn), None)
    on_path = int(parts.on_path[1].sum())
    assert len(parts.shown[1]) > MAX_DRAWN
    assert len(parts.drawn[1]) == on_path < len(parts.shown[1])
    figure = sparsest.draw(drawn)
    assert f"layer 1\n{on_path} of 128 drawn" in texts(figure)
    assert str(parts.off_path(parts.shown)) in texts(figure)
    ids = [image.get_gid() for image in figure.axes[0].images]
    neurons = [gid for gid in ids if gid is not None and gid.startswith("network-1-neuron-1-")]
    assert len(neurons) == on_path
    off_path = sum(not edge.on_path for edge in parts.edges)
    assert len(curves(figure, "disconnected").get_paths()) < off_path


FLOWERS = Dataset.of(
    "flowers",
    np.random.RandomState(0).standard_normal((60, 4)),
    np.arange(60) % 3,
    class_names=("red", "green", "blue"),
    feature_names=("length", "width", "height", "age"),
)
LETTERS = Dataset.of(
    "letters",
    np.random.RandomState(1).standard_normal((80, 20)),
    np.arange(80) % 4,
    image_shape=(5, 4),
)


@pytest.mark.parametrize("dataset", [FLOWERS, LETTERS], ids=lambda dataset: dataset.name)
@pytest.mark.parametrize("count", [1, 3])
def test_network_without_a_plane_is_drawn_by_class(dataset: Dataset, count: int) -> None:
    drawn = network([dataset.features, 6, 5, dataset.classes], lambda layer: 0.6)
    figure = sparsest.draw(*[drawn] * count, dataset=dataset)
    weights, biases = zip(*drawn.layers(), strict=True)
    counted = Connectivity.of(weights, biases)
    paths = sum(
        len(curves(figure, kind, count).get_paths())
        for kind in ("connected", "dead", "disconnected")
    )
    assert paths == sum(counted.layer_nnz)
    images = {image.get_gid() for axes in figure.axes for image in axes.images}
    assert {f"network-{count}-neuron-3-{number}" for number in range(dataset.classes)} <= images
    assert f"network-{count}-confusion" in images
    assert (f"network-{count}-inputs" in images) == (dataset is LETTERS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    if count == 1 and dataset is FLOWERS:
        assert {*FLOWERS.class_names, *FLOWERS.feature_names} <= set(texts(figure))


def test_weights_of_an_image_start_at_their_pixels() -> None:
    first = np.zeros((1, 20), np.float32)
    first[0, [0, 19]] = 1
    last = np.ones((4, 1), np.float32)
    drawn = MaskedNetwork([(first, np.zeros(1, np.float32)), (last, np.zeros(4, np.float32))])
    figure = sparsest.draw(drawn, dataset=LETTERS)
    paths = [*curves(figure, "connected").get_paths(), *curves(figure, "dead").get_paths()]
    starts = [np.asarray(path.vertices)[0] for path in paths]
    (x0, y0), (x1, y1) = sorted((float(x), float(y)) for x, y in starts)[:2]
    # The first pixel is at the upper left, the last one at the lower right.
    assert x0 < x1
    assert y0 > y1


@pytest.mark.parametrize("classes", [2, 3])
def test_names_with_dollar_signs_are_drawn_as_they_are(classes: int, tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    names = [f"$_$ {number}" for number in range(classes)]
    data = Dataset.of(
        "$_$", points, np.arange(30) % classes, feature_names=names[:2], class_names=names
    )
    outputs = data.outputs
    layers = [(np.ones((outputs, 2), np.float32), np.zeros(outputs, np.float32))]
    drawn = sparsest.draw(sparsest.Network(layers), dataset=data)
    for number, figure in enumerate((sparsest.draw_dataset(data), drawn)):
        # With mathematics, the names cannot be parsed.
        sparsest.save_drawing(figure, tmp_path / f"{number}.svg")
        assert (tmp_path / f"{number}.svg").is_file()


def test_confusion_matrix_counts_points_by_true_and_predicted_class() -> None:
    drawn = network([4, 6, 3])
    matrix = confusion_matrix(drawn.layers(), FLOWERS)
    logits = drawn(torch.tensor(FLOWERS.points)).detach().numpy().reshape(60, 3)
    expected = np.zeros((3, 3), int)
    for label, predicted in zip(FLOWERS.labels.astype(int), logits.argmax(axis=1), strict=True):
        expected[label, predicted] += 1
    assert matrix.tolist() == expected.tolist()


def test_title_names_the_network_that_pruning_started_from() -> None:
    row = {"method": "iter-snip", "target_nnz": 19, "width": 4, "structure": None, "accuracy": 0.95}
    title = "Iter SNIP from width 4: 18 weights left in 4x2x2, 95.00 %"
    assert title_of_row(row, "4x2x2", 18) == title
    narrower = {**row, "structure": "5x4"}
    assert title_of_row(narrower, "5x2", 1).startswith("Iter SNIP from 5x4: 1 weight left in 5x2, ")
    searched = {**narrower, "method": "search", "target_nnz": None}
    assert title_of_row(searched, "5x3", 18) == "5x4 by search: 18 weights, 95.00 % accuracy"


def test_refused_path_leaves_no_files_behind(tmp_path: Path) -> None:
    figure = sparsest.draw(chain())
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf"):
        sparsest.save_drawing(figure, tmp_path / "net.gif")
    with pytest.raises(FileNotFoundError, match="no"):
        sparsest.save_drawing(figure, tmp_path / "no" / "net.svg")
    (tmp_path / "net.svg").write_text("old")
    with pytest.raises(FileExistsError, match=r"net\.svg"):
        sparsest.save_drawing(figure, tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "old"
    sparsest.save_drawing(figure, tmp_path / "net.svg", overwrite=True)
    assert (tmp_path / "net.svg").read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["net.svg"]
