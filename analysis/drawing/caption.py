"""The text of a drawing: its title and the table of numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.drawing.parts import Parts
from analysis.methods import name_of
from analysis.network import accuracy
from pruning.connectivity import Connectivity
from pruning.network import MaskedNetwork
from search.layers import Layers
from search.specification import label_of
from workers.datasets import Dataset

_MAX_NAME_LENGTH = 24
"""Characters of the name of a data set; longer ones are cut."""


CAPTION_COLUMNS = (
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
    "target_accuracy",
    "hyperparameters",
    "width",
    "lr",
    "schedule",
    "epochs",
    "init",
    "init_scheme",
    "dataset",
    "root_seed",
)
"""Columns of the view `results` that `caption_of_row` reads."""


@dataclass(frozen=True)
class Caption:
    """The text of a drawing: title, second line, (column, value) and (mask1, text) and so on."""

    title: str
    subtitle: str
    table: tuple[tuple[str, str], ...]
    masks: tuple[tuple[str, str], ...] = ()


def caption_of_network(network: MaskedNetwork, dataset: Dataset, parts: Parts) -> Caption:
    """Return the text for a network without a row: counts, and its accuracy on the data set."""
    measured = percent(accuracy(network, dataset))
    hidden = parts.sizes[1:-1]
    sizes = _counted(hidden[0], "hidden neuron") if len(hidden) == 1 else "x".join(map(str, hidden))
    table = {"accuracy": measured, "dataset": shortened(dataset.name, _MAX_NAME_LENGTH)}
    table |= _counts(network.layers(), parts)
    weights = _counted(len(parts.edges), "weight")
    title = f"{sizes or 'linear'}: {weights}, {measured} accuracy on {dataset.name}"
    return Caption(title, "", tuple(table.items()))


def caption_of_row(row: Mapping[str, Any], layers: Layers, parts: Parts) -> Caption:
    """Return the text for a stored row, with the accuracy that it records.

    A row of `analysis.row_network.reduced_row` is labelled with its variant.
    """
    # The neurons of each hidden layer with a weight, such as 4x2x2.
    remaining = "x".join(str(len(neurons)) for neurons in parts.shown[1:-1]) or "linear"
    title = title_of_row(row, remaining, len(parts.edges))
    if row["status"] == "collapsed":
        title += ", collapsed"
    test = row.get("test_accuracy")
    table = {
        "accuracy": percent(row["accuracy"]),
        "test accuracy": percent(test) if test is not None else None,
        "dataset": shortened(row["dataset"], _MAX_NAME_LENGTH),
        **_counts(layers, parts),
        "target": row["target_nnz"],
        "target accuracy": row["target_accuracy"] and percent(row["target_accuracy"]),
        "settings": settings_text(row["hyperparameters"]) or None,
        "width": row["width"],
        "lr": f"{row['lr']:g}",
        "schedule": row["schedule"],
        "epochs": row["epochs"],
        "init": ", ".join(filter(None, (row["init"].partition(":")[0], row["init_scheme"]))),
        "study": row["study"],
        "root_seed": row["root_seed"] or None,
    }
    shown = tuple((name, str(value)) for name, value in table.items() if value is not None)
    masks = tuple(
        (f"mask{number}", shortened(mask, 34))
        for number, mask in enumerate(row["masks"] or (), start=1)
    )
    variant = f"   {row['variant']}" if "variant" in row else ""
    subtitle = f"{label_of(row)}   experiment {row['experiment_id']}{variant}"
    return Caption(title, subtitle, shown, masks)


def title_of_row(row: Mapping[str, Any], remaining: str, weights: int) -> str:
    """Describe a stored network in one line: method, starting network, result, accuracy."""
    method, share = name_of(row["method"]), percent(row["accuracy"])
    if row["method"] == "search":
        who = f"{row['structure'] or remaining} by {method}"
        return f"{who}: {_counted(weights, 'weight')}, {share} accuracy"
    start = row["structure"] or f"width {row['width']}"
    return f"{method} from {start}: {_counted(weights, 'weight')} left in {remaining}, {share}"


def settings_text(hyperparameters: str | None) -> str:
    """Format the column `hyperparameters`, such as "batches=4, exponent=2"; empty if NULL."""
    settings = json.loads(hyperparameters) if hyperparameters else {}
    texts = {n: v if isinstance(v, str) else f"{v:g}" for n, v in settings.items()}
    return ", ".join(f"{name}={text}" for name, text in texts.items())


def percent(fraction: float) -> str:
    """Format a fraction as a percentage with two decimals, such as "95.91 %"."""
    return f"{100 * fraction:.2f} %"


def _counts(layers: Layers, parts: Parts) -> dict[str, str]:
    """Count the drawn network's parameters, under the names of the columns of `results`."""
    weights, biases = zip(*layers, strict=True)
    connectivity = Connectivity.of(weights, biases)
    weight_nnz = sum(connectivity.layer_nnz)
    counts = {
        "weight_nnz": weight_nnz,
        "model_nnz": weight_nnz + sum(int((bias != 0).sum()) for bias in biases),
        "effective_nnz": connectivity.effective_nnz,
        "live_nnz": sum(edge.live for edge in parts.edges),
        "disconnected": connectivity.disconnected_nnz,
        **({"off path": off_path} if (off_path := parts.off_path(parts.shown)) else {}),
    }
    return {name: f"{count:,}" for name, count in counts.items()}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shortened(text: str, length: int) -> str:
    """Return a text, cut to a number of characters."""
    return text if len(text) <= length else f"{text[: length - 1]}\N{HORIZONTAL ELLIPSIS}"
