"""The command `try`: one training of a method, with everything that it did."""

from __future__ import annotations

import sys
import tomllib
import traceback
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from orchestrator.commands.options import argument, number, option, whole_number
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from pruning.protocol import MaskSchedule, Pruned, Requests, Snapshot, target_of
from pruning.registry import algorithm, replaced_algorithm
from search.experiment import Experiment
from search.layers import by_layer, count_kept
from search.method import Method, Phase
from search.methods import all_methods, method_named, setting
from search.plugins import METHODS_GROUP
from search.structure import count_weights
from workers.datasets import load_dataset
from workers.registering import register

_MAX_COLUMNS = 64
"""Widest layer whose mask is drawn."""

_MAX_COUNTS = 12
"""Number of counts over time that are shown."""

_DEFAULTS = Experiment()


def try_method(
    name: Annotated[
        str,
        argument(
            "NAME", "A method, or the folder of a package with one, which need not be installed."
        ),
    ],
    width: Annotated[int, whole_number("Width of three hidden layers.", maximum=4096)] = 8,
    target: Annotated[
        int | None, whole_number("Number of weights to keep [default: 30 if the method needs one]")
    ] = None,
    dataset: Annotated[str, option("S", "Data set.")] = _DEFAULTS.dataset,
    epochs: Annotated[int, whole_number("Epochs of a round.")] = _DEFAULTS.epochs,
    lr: Annotated[float, number("Learning rate.", "X")] = _DEFAULTS.lr,
    seed: Annotated[int, whole_number("Number of the repetition.", minimum=0)] = 0,
) -> None:
    """Train a pruning method once and show its masks, its weights over time, and its errors.

    Nothing is stored. A batch has 128 points, or all points of a data set with fewer. An error of
    the method is shown with its traceback; the exit code is then 1.
    """
    method = find_method(name)
    specification = method_named(method)
    if not specification.chooses_masks:
        raise UserError(f"method {method!r} does not choose masks: there is nothing to try")
    if "target_nnz" in specification.keys and target is None:
        target = 30
    with user_errors("--dataset: "):
        data = load_dataset(dataset)
    batch_size = min(_DEFAULTS.batch_size, len(data))
    experiment = Experiment(
        method=method,
        dataset=data.name,  # that of a file has its digest
        width=width,
        target_nnz=target,
        epochs=epochs,
        lr=lr,
        batch_size=batch_size,
        replicate=seed,
    )
    if least := specification.steps_at_least:
        steps_per_epoch = data.steps_per_epoch(batch_size)
        steps, needed = epochs * steps_per_epoch, int(setting(experiment, least))
        if steps < needed:
            raise UserError(
                f"--epochs {epochs}: on {data.name} that is {steps} steps, and method {method!r} "
                f"needs at least {needed}; allowed: --epochs from {-(-needed // steps_per_epoch)}"
            )
    # Imported here, as in `observed_training`, and so numba: `--help` does without.
    from workers.start import check_targets

    with user_errors("--target: "):
        check_targets(experiment)
        if experiment.target_nnz is not None:
            target_of(experiment, experiment.hidden.weights(data.features, data.outputs))
    try:
        row, counts = observed_training(experiment)
    except Exception as error:  # the method's code can raise anything
        print_line(traceback.format_exc().rstrip(), err=True)
        raise typer.Exit(1) from error
    _print(row, counts)
    if row["status"] == "failed":
        raise typer.Exit(1)


def _print(row: dict[str, Any], counts: list[tuple[int, int]]) -> None:
    for step, kept in _thinned(counts):
        print_line(f"from step {step:>6,}: {kept:,} weights")
    if row["weights"] is None:
        print_line(f"{row['status']}: {row['reason']}")
        return
    print_line(
        *_masks(row["layers"], row["weight_index"]),
        f"{row['status']}: accuracy {100 * row['accuracy']:.2f} %, loss {row['loss']:.4f}, "
        f"{row['weight_nnz']} weights, {row['effective_nnz']} of them on a path from an input to "
        f"the output; trained in {row['train_ms']:.0f} ms",
    )


def _thinned(counts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return up to `_MAX_COUNTS` counts, evenly spread, with the first and the last."""
    if len(counts) <= _MAX_COUNTS:
        return counts
    positions = np.linspace(0, len(counts) - 1, _MAX_COUNTS).round().astype(int)
    return [counts[position] for position in positions]


def _masks(sizes: list[int], kept: list[int]) -> list[str]:
    """Return the mask of each layer as lines of text, rows for neurons."""
    lines = []
    flat = np.zeros(count_weights(sizes), np.bool_)
    flat[kept] = True
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    for layer, mask in enumerate(by_layer(flat, shapes), start=1):
        lines.append(f"layer {layer}: {int(mask.sum())} of {mask.size} weights")
        if max(mask.shape) <= _MAX_COLUMNS:
            lines += ["  " + "".join("#" if one else "." for one in row) for row in mask]
    return lines


def find_method(name: str) -> str:
    """Return the name of a method, or of that of a package's folder, which it makes available."""
    project = Path(name) / "pyproject.toml"
    if name in all_methods() or not project.is_file():
        try:
            return method_named(name).name
        except ValueError as error:
            raise UserError(f"{error}; nor is there a folder with {project}") from error
    try:
        points = tomllib.loads(project.read_text())["project"]["entry-points"][METHODS_GROUP]
        (found, target) = next(iter(points.items()))
        module, _, attribute = str(target).partition(":")
    except (OSError, ValueError, KeyError, StopIteration, AttributeError) as error:
        raise UserError(f"{project} names no entry point in {METHODS_GROUP!r}") from error
    sys.path.insert(0, str(Path(name).resolve()))
    provided = getattr(import_module(module), attribute, None)
    if not isinstance(provided, Method):
        raise UserError(f"{target} of {project} is not a Method")
    with user_errors(f"{found}: "):
        register(provided)
    return provided.name


_Counts = list[tuple[int, int]]


def observed_training(experiment: Experiment) -> tuple[dict[str, Any], _Counts]:
    """Train an experiment of a method that chooses masks in this process, and observe them.

    Returns:
        The row, and (step before which the masks were chosen, weights kept) for each choice,
        ascending; the fewest weights of networks that are trained together.

    Raises:
        Exception: whatever the method raises.
    """
    from workers.train import train_batch

    counts: _Counts = []
    method = method_named(experiment.method)
    wrap = _WRAPPERS[method.prunes]
    with replaced_algorithm(method.name, wrap(algorithm(method), counts)):
        (row,) = train_batch([experiment]).to_pylist()
    return row, counts


def _before(prune: Callable[..., Pruned], counts: _Counts) -> Any:
    def observed(*arguments: Any) -> Pruned:
        pruned = prune(*arguments)
        counts.append((0, count_kept(pruned.weight_masks)))
        return pruned

    return observed


class _ObservedSchedule:
    """A mask schedule that notes the weights kept after every change."""

    def __init__(self, schedule: MaskSchedule, counts: _Counts) -> None:
        self._schedule = schedule
        self._counts = counts
        counts.append((0, count_kept(schedule.start.weight_masks)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._schedule, name)

    def change(self, step: int, network: Snapshot, batch: Any) -> Snapshot:
        changed = self._schedule.change(step, network, batch)
        self._counts.append((step, count_kept(changed.weight_masks)))
        return changed


def _during(begin: Callable[..., MaskSchedule], counts: _Counts) -> Any:
    return lambda *arguments: _ObservedSchedule(begin(*arguments), counts)


def _adaptively(requests: Callable[..., Requests], counts: _Counts) -> Any:
    def observed(*arguments: Any) -> Requests:
        # Checked now, as the method does it: the generator below starts only later.
        return followed(requests(*arguments))

    def followed(inner: Requests) -> Requests:
        requested, last = next(inner), 0
        while True:
            segments = requested if isinstance(requested, list) else [requested]
            if segments:
                last = segments[0].last_step
                fewest = min(count_kept(segment.network.weight_masks) for segment in segments)
                counts.append((segments[0].first_step, fewest))
            try:
                requested = inner.send((yield requested))
            except StopIteration as stop:
                final: Snapshot = stop.value
                counts.append((last, count_kept(final.weight_masks)))
                return final

    return observed


_WRAPPERS: dict[Phase, Callable[[Any, _Counts], Any]] = {
    "before": _before,
    "during": _during,
    "adaptive": _adaptively,
}
"""Phase -> wrapper of its function that notes (step, weights kept)."""
