"""The algorithm of a method, imported when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

from pruning.effective_budget import with_budget
from pruning.protocol import PrunesBefore
from search.experiment import Experiment
from search.method import Method, Phase

# Imported for plug-ins, which import it from here.
from search.methods import METHODS, method_named, setting
from search.process_state import plugin_call

__all__ = ["algorithm", "pruning_before", "setting", "stages_of"]

_FUNCTIONS: dict[Phase, str] = {"before": "prune", "during": "begin", "adaptive": "requests"}
"""Phase -> function that the module of such a method provides."""


_registered: dict[str, Any] = {}
"""Method -> function, for the methods of this process that no package provides."""


def register_algorithm(name: str, function: Any) -> None:
    """Provide the function of a method in this process, instead of one in its module."""
    _registered[name] = function


@contextmanager
def replaced_algorithm(name: str, function: Any) -> Iterator[None]:
    """Let a method use another function in the body, for example one that observes its own."""
    before = _registered.get(name)
    _registered[name] = function
    try:
        yield
    finally:
        del _registered[name]
        if before is not None:
            _registered[name] = before


def algorithm(method: Method, phase: Phase | None = None) -> Any:
    """Return the function that a method's module provides for a phase; None for its usual one.

    A ValueError if the method does not choose masks in this phase.
    """
    phase = phase or method.prunes
    to_accuracy = phase == "adaptive" and "target_accuracy" in method.keys
    if phase not in _FUNCTIONS or not (phase == method.prunes or to_accuracy):
        raise ValueError(f"method {method.name!r} has no algorithm for the phase {phase!r}")
    if method.name in _registered and phase == method.prunes:
        return _registered[method.name]
    return getattr(_imported(method), _FUNCTIONS[phase])


def pruning_before(method: Method) -> PrunesBefore:
    """Return the algorithm of a method; a ValueError unless it prunes before training."""
    prune: PrunesBefore = algorithm(method, "before")
    return with_budget(prune) if "budget" in method.settings else prune


def _imported(method: Method) -> ModuleType:
    """Return the module of a method's algorithm; a plug-in's import cannot change the process."""
    with plugin_guard(method.name):
        return import_module(method.module)


def plugin_guard(method: str) -> AbstractContextManager[None]:
    """Return the context in which a plug-in's code runs; see `plugin_call`.

    Built-in methods leave the state alone and need none: a guard takes 0.1 ms, and masks change
    hundreds of times, and the costs of thousands of experiments a second are estimated.
    """
    return nullcontext() if method in METHODS else plugin_call(f"method {method!r}")


def stages_of(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """Return the stages of a pruned training, for estimates of its cost.

    Returns:
        (training rounds, weights trained in them) for each stage. The module of a method that
        does not train `target_nnz` weights throughout provides a function `stages` with this
        signature.
    """
    method = method_named(experiment.method)
    if method.masks_change(experiment):
        stages = getattr(_imported(method), "stages", None)
        if stages is not None:
            with plugin_guard(method.name):
                stages_of_method: list[tuple[float, int]] = stages(experiment, weights)
            return stages_of_method
    return [(1.0, weights if experiment.target_nnz is None else experiment.target_nnz)]
