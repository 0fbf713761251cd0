"""What a drawing says in words and numbers: its title and the table beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.drawing.parts import Parts
from analysis.drawing.plane import Layers
from analysis.methods import name_of
from analysis.network import accuracy
from pruning.connectivity import Connectivity
from pruning.network import MaskedNetwork
from workers.datasets import Dataset

_LONGEST_MASK = 34
"""Characters of a mask; a longer one ends in dots."""


SAID_COLUMNS = (
    "experiment_id",
    "study",
    "study_index",
    "paper_group",
    "paper_run_id",
    "status",
    "accuracy",
    "method",
    "structure",
    "masks",
    "target_nnz",
    "width",
    "lr",
    "schedule",
    "epochs",
    "init",
)
"""Columns of the view `results` that `caption_of_row` reads."""


@dataclass(frozen=True)
class Caption:
    """The words of a drawing.

    Attributes:
        title: the first line.
        subtitle: the second one; empty where there is no row.
        table: (name of a column of `results`, its value).
        masks: likewise, of the masks.
    """

    title: str
    subtitle: str
    table: tuple[tuple[str, str], ...]
    masks: tuple[tuple[str, str], ...] = ()


def caption_of_network(network: MaskedNetwork, dataset: Dataset, parts: Parts) -> Caption:
    """The words for a network without a row: what can be counted and measured."""
    layers = network.layers()
    measured = accuracy(network, dataset)
    sizes = "x".join(map(str, parts.sizes[1:-1]))
    table = {"accuracy": percent(measured), **_counts(layers, parts)}
    weights = _counted(len(parts.edges), "weight")
    title = f"{sizes or 'linear'}: {weights}, {percent(measured)} accuracy"
    return Caption(title, "", tuple(table.items()))


def caption_of_row(row: Mapping[str, Any], layers: Layers, parts: Parts) -> Caption:
    """The words for a stored row, which says itself how accurate it is."""
    title = title_of_row(row, parts.shown_structure, len(parts.edges))
    if row["status"] == "collapsed":
        title += ", collapsed"
    table = {
        "accuracy": percent(row["accuracy"]),
        **_counts(layers, parts),
        "target": row["target_nnz"],
        "width": row["width"],
        "lr": f"{row['lr']:g}",
        "schedule": row["schedule"],
        "epochs": row["epochs"],
        "init": row["init"].partition(":")[0],
        "study": row["study"],
    }
    said = tuple((name, str(value)) for name, value in table.items() if value is not None)
    masks = tuple(
        (f"mask{number}", _shortened(mask))
        for number, mask in enumerate(row["masks"] or (), start=1)
    )
    subtitle = f"{label_of(row)}   experiment {row['experiment_id']}"
    return Caption(title, subtitle, said, masks)


def title_of_row(row: Mapping[str, Any], left: str, weights: int) -> str:
    """A stored network in a line: its method, what it began as, what is left, how accurate it is.

    Args:
        row: of the view `results`.
        left: its hidden layers as they are now, such as "4x2x2".
        weights: nonzero ones.
    """
    method, share = name_of(row["method"]), percent(row["accuracy"])
    if row["target_nnz"] is None:
        who = f"{row['structure'] or left} by {method}"
        return f"{who}: {_counted(weights, 'weight')}, {share} accuracy"
    began = row["structure"] or f"width {row['width']}"
    return f"{method} from {began}: {_counted(weights, 'weight')} left in {left}, {share}"


def label_of(row: Mapping[str, Any]) -> str:
    """GROUP:RUN_ID of a row of the paper, SWEEP:NUMBER of another one."""
    if row["paper_run_id"] is None:
        return f"{row['study']}:{row['study_index'] + 1}"
    return f"{row['paper_group']}:{row['paper_run_id']}"


def percent(share: float) -> str:
    """95.91 %."""
    return f"{100 * share:.2f} %"


def _counts(layers: Layers, parts: Parts) -> dict[str, str]:
    """Counted from the network that is drawn, under the names of the columns of `results`."""
    weights, biases = zip(*layers, strict=True)
    counted = Connectivity.of(weights, biases)
    weight_nnz = sum(counted.layer_nnz)
    off_path = {"off path": f"{parts.off_path_neurons:,}"}
    return {
        "weight_nnz": f"{weight_nnz:,}",
        "model_nnz": f"{weight_nnz + sum(int((bias != 0).sum()) for bias in biases):,}",
        "effective_nnz": f"{counted.effective_nnz:,}",
        "disconnected": f"{counted.disconnected_nnz:,}",
        **(off_path if parts.off_path_neurons else {}),
    }


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _shortened(mask: str) -> str:
    if len(mask) <= _LONGEST_MASK:
        return mask
    return f"{mask[: _LONGEST_MASK - 1]}\N{HORIZONTAL ELLIPSIS}"
