"""One training of a method, observed: its weights over time, its masks, its outcome."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError, user_errors
from pruning.protocol import MaskSchedule, Pruned, Requests, Snapshot
from pruning.registry import algorithm, replaced_algorithm
from search.experiment import Experiment
from search.layers import count_kept
from search.method import Method, Phase
from search.methods import all_methods, method_named
from search.plugins import METHODS_GROUP
from workers.registering import register
from workers.train import train_batch


def find_method(name: str) -> str:
    """Return the name of a method, after making one available that is a folder's.

    Args:
        name: name of a method, or folder of a package that need not be installed.

    Raises:
        UserError: there is neither, or the folder has no usable method.
    """
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
