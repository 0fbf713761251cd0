"""Networks of a store that may be records, as they are and after pruning without retraining."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from analysis.drawing.plane import restricted_to
from analysis.records.evaluation import accuracies, nonzero, point_accuracy
from analysis.records.known import ACCURACIES, Known, records
from analysis.retrain import with_network
from analysis.row_network import network_from_row
from pruning.connectivity import leads_to_output
from pruning.functional_sparsity import count_active_points, without_dead_parts
from search.datasets import DATASETS
from search.layers import Layers
from search.specification import label_of
from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader
from workers.datasets import Dataset, load_dataset


def candidates(
    reader: ResultsReader, known: Sequence[Known], datasets: Iterable[str] = DATASETS
) -> Iterator[Known]:
    """Yield networks that have at most a few weights more than the records for their accuracies.

    Rows without weights are trained again. Every network comes as trained, and for each accuracy
    that it reaches pruned to it: parameters are removed one at a time, the one whose removal costs
    least accuracy first, weights before biases.

    Raises:
        ValueError, analysis.retrain.NotTheSame: a row cannot be trained again.
    """
    for dataset in sorted(datasets):
        targets: dict[str, list[Fraction]] = {}
        for target in ACCURACIES:
            for row_id in candidate_ids(reader, dataset, target, known):
                targets.setdefault(row_id, []).append(target)
        for row_id, reached in targets.items():
            yield from _forms(reader, reader.row(row_id), reached)


def candidate_ids(
    reader: ResultsReader, dataset: str, target: Fraction, known: Sequence[Known]
) -> list[str]:
    """Return the ids of the rows that may be records for an accuracy."""
    asked = (dataset, target)
    present = {
        one.count: one.fewest for one in records(known) if (one.dataset, one.accuracy) == asked
    }
    limits = {"prunable_own": 1.0, "prunable_95": 0.95, "prunable_995": 0.995}
    removable = [f"coalesce({name}, 0)" for name, most in limits.items() if target <= most]
    removed = f"greatest({', '.join(removable)})"
    fewest = {
        "weights": f"weight_nnz - {removed}",
        "weights and biases": f"model_nnz - {removed}",
        "live weights": f"least(weight_nnz - {removed}, live_nnz)",
    }
    ids = []
    for count, column in fewest.items():
        # Pruning is tried up to two weights above the record.
        most = present[count] + 2 if count in present else "NULL"
        found = reader.sql(
            f"SELECT experiment_id FROM results WHERE dataset = {sql_text(dataset)} "
            f"AND accuracy >= {float(target)!r} "
            f"AND {column} <= coalesce({most}, {column}) "
            f"ORDER BY {column}, model_nnz, accuracy DESC, study, study_index "
            "LIMIT 8"
        )
        ids += found.column("experiment_id").to_pylist()
    return ids


def _forms(
    reader: ResultsReader, row: dict[str, Any], targets: Sequence[Fraction]
) -> Iterator[Known]:
    """Yield the network of a row as trained, and pruned to each target."""
    dataset = load_dataset(row["dataset"])
    layers = without_idle_neurons(network_from_row(with_network(row, reader.init)).layers())
    (cost,) = reader.sql(
        "SELECT count(*) AS trainings, sum(train_ms) / 1000 AS seconds FROM results "
        f"WHERE study = {sql_text(row['study'])} AND method = {sql_text(row['method'])}"
    ).to_pylist()
    # Every round of a search is numbered from 1, so its numbers do not identify a row.
    by_search = row["study"].startswith("search-")
    found = row["study"] if by_search else f"{row['method']}, {label_of(row)}"
    by = f"{found}, experiment {row['experiment_id']}"
    network = Known(row["dataset"], layers, by, cost["trainings"], round(cost["seconds"], 1))
    yield network
    seen = {_nonzero(layers)}
    for target in targets:
        smaller = pruned(layers, dataset, target)
        if _nonzero(smaller) not in seen:
            seen.add(_nonzero(smaller))
            yield replace(network, layers=smaller, by=f"{by}, pruned after training")


def pruned(layers: Layers, dataset: Dataset, target: Fraction) -> Layers:
    """Return a network without the parameters that it can lose one by one at a float32 accuracy.

    A last hidden layer of one neuron is merged into the output.
    """
    # Exact accuracies differ, so a margin is left where they are defined.
    margin = Fraction(1, 2000) if "exact" in accuracies(layers, dataset) else 0
    floor = min(Fraction(1), target + margin)
    current = merged(
        without_idle_neurons(
            without_dead_parts(layers, count_active_points(layers, dataset.points))
        )
    )
    for kind in (0, 1):  # weights, then biases
        while True:
            trials = []
            for layer, parts in enumerate(current):
                for index in zip(*np.nonzero(parts[kind]), strict=True):
                    trial = [(weight.copy(), bias.copy()) for weight, bias in current]
                    trial[layer][kind][index] = 0
                    trials.append((point_accuracy(trial, dataset, np.float32), trial))
            accuracy, best = max(trials, key=lambda one: one[0], default=(Fraction(0), current))
            if accuracy < floor:
                break
            current = merged(without_idle_neurons(best))
    return current


def merged(layers: Layers) -> Layers:
    """Return an equivalent network without a last hidden layer of one neuron, if it has one output.

    For an output v relu(z) + c with v > 0 > c, class 1 is where z + c / v > 0; with v < 0 < c,
    where z + c / v < 0.
    """
    if len(layers) == 1 or [len(bias) for _, bias in layers[-2:]] != [1, 1]:
        return layers
    *earlier, (weight, bias), (factor, constant) = layers
    v, c = factor.item(), constant.item()
    if v * c >= 0:  # all points are of one class, or the border is the neuron's kink
        return layers
    sign = np.float32(np.sign(v))
    shifted = np.array([bias.item() + c / v], np.float32)
    return merged([*earlier, (sign * weight, sign * shifted)])


def without_idle_neurons(layers: Layers) -> Layers:
    """Return a network without the hidden neurons that lead to no output."""
    leading = leads_to_output([weight for weight, _ in layers])
    hidden = [np.flatnonzero(one).tolist() for one in leading]
    inputs, outputs = range(layers[0][0].shape[1]), range(len(layers[-1][1]))
    return restricted_to(layers, [inputs, *hidden, outputs])


def _nonzero(layers: Layers) -> tuple[int, int]:
    """Count the nonzero weights and the nonzero biases."""
    weights, biases = zip(*layers, strict=True)
    return nonzero(weights), nonzero(biases)
