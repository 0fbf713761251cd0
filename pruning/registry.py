"""Every way to come to a mask: an algorithm is a file here and a line in `METHODS`.

Other packages bring algorithms of their own as plug-ins. Nothing here loads torch: an algorithm's
file is imported when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from pruning.method import TO_TARGET, Method
from search.experiment import Experiment
from search.plugins import METHODS_GROUP, Found, find_plugins
from search.settings import Setting

if TYPE_CHECKING:
    from pruning.protocol import PrunesBefore, PrunesDuring

_GIVEN = frozenset({"structure", "masks"})
_TEN_ROUNDS = {"rounds": Setting(10, 1, 100_000, "rounds of pruning")}
_MAX_INT32 = 2**31 - 1

METHODS: dict[str, Method] = {
    "search": Method("search", "given", _GIVEN),
    "snip": Method("snip", "before", TO_TARGET, "pruning.snip", (1.0, 135), xavier=True),
    "grasp": Method(
        "grasp",
        "before",
        TO_TARGET,
        "pruning.grasp",
        (2.5, 90),
        xavier=True,
        settings={
            "points": Setting(25, 1, 10_000, "points of each class"),
            "temperature": Setting(200.0, 1e-6, 1e6, "what the logits are divided by"),
        },
    ),
    "synflow": Method(
        "synflow",
        "before",
        TO_TARGET,
        "pruning.synflow",
        (50, 2500),
        settings={"rounds": Setting(100, 1, 100_000, "rounds of pruning")},
    ),
    "iter-snip": Method(
        "iter-snip", "before", TO_TARGET, "pruning.iter_snip", (6.3, 350), settings=_TEN_ROUNDS
    ),
    "force": Method(
        "force", "before", TO_TARGET, "pruning.force", (6.3, 350), settings=_TEN_ROUNDS
    ),
    "prospr": Method(
        "prospr",
        "before",
        TO_TARGET,
        "pruning.prospr",
        (6.0, 210),
        settings={
            "inner_steps": Setting(3, 1, 1000, "steps of SGD before the loss is taken"),
            "detach_first": Setting(0, 0, 1, "1: the first step's gradient counts as a constant"),
        },
    ),
    "gmp": Method(
        "gmp",
        "during",
        TO_TARGET,
        "pruning.gmp",
        (155, 21000),
        settings={
            "events": Setting(200, 2, 100_000, "parts of the training; weights go between them"),
            "exponent": Setting(3.0, 0.01, 100.0, "of the density's decay"),
        },
        steps_at_least="events",
        other_name="imp",
    ),
    "lth": Method(
        "lth",
        "during",
        TO_TARGET,
        "pruning.lth",
        (10, 800),
        settings={"rounds": Setting(5, 2, 1000, "trainings, the last one with the target's mask")},
    ),
    "rigl": Method(
        "rigl",
        "during",
        TO_TARGET,
        "pruning.rigl",
        (215, 5000),
        settings={
            "interval": Setting(100, 1, _MAX_INT32, "steps from one change of masks to the next"),
            "drop_fraction": Setting(0.3, 0.0, 1.0, "share of weights in the first change"),
            "end": Setting(0.75, 0.0, 1.0, "share of the training after which masks stay"),
        },
    ),
}
"""The project's own methods by their names."""


@cache
def plugin_methods() -> Found[Method]:
    """The methods of other packages, looked for once a process."""
    # Imported here: what checks them reads sweep files too, and loads what a worker does not need.
    from pruning.plugin_methods import check_method

    return find_plugins(METHODS_GROUP, METHODS, check_method)


def all_methods() -> Mapping[str, Method]:
    """Every method by its name, those of plug-ins behind the project's own."""
    return METHODS | plugin_methods().usable


def method_named(name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: there is no method of that name, or it is a plug-in that cannot be used.
    """
    # Plug-ins are only looked for where the name is none of the project's own.
    if name in METHODS:
        return METHODS[name]
    found = plugin_methods()
    if name in found.usable:
        return found.usable[name]
    plugin = found.plugin(name)
    if plugin is not None:
        raise ValueError(str(plugin))
    raise ValueError(f"unknown method {name!r}; there are: {', '.join(all_methods())}")


def pruning_before(method: Method) -> PrunesBefore:
    """The algorithm of a method that prunes before training; its file is imported.

    Raises:
        ValueError: the method prunes in another phase.
    """
    if method.prunes != "before":
        raise ValueError(f"method {method.name!r} does not prune before training")
    prune: PrunesBefore = import_module(method.module).prune
    return prune


def pruning_during(method: Method) -> PrunesDuring:
    """The algorithm of a method that prunes during training; its file is imported.

    Raises:
        ValueError: the method prunes in another phase.
    """
    if method.prunes != "during":
        raise ValueError(f"method {method.name!r} does not prune during training")
    begin: PrunesDuring = import_module(method.module).begin
    return begin


def setting(experiment: Experiment, name: str) -> int | float:
    """A hyperparameter of the experiment's method: its own value, or the authors'.

    Raises:
        ValueError: the method is unknown, or the experiment names a hyperparameter that it does
            not have or that is out of its bounds.
        KeyError: the method has no such hyperparameter.
    """
    settings = method_named(experiment.method).settings
    for given, value in experiment.hyperparameters:
        if given not in settings:
            known = ", ".join(settings) or "none"
            raise ValueError(
                f"method {experiment.method!r} has no hyperparameter {given!r}; it has: {known}"
            )
        if not settings[given].allows(value):
            raise ValueError(
                f"{experiment.method} {given} cannot be {value!r}; allowed: "
                f"{settings[given].allowed}"
            )
    return dict(experiment.hyperparameters).get(name, settings[name].default)


def stages_of(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """What a pruned training spends its time on, for estimates.

    Args:
        experiment: of a method that chooses its masks.
        weights: of its whole network.

    Returns:
        (rounds of training, weights that they are spent on) a stage. An algorithm that trains
        others than `target_nnz` all along has a function `stages` of this kind in its file.
    """
    method = method_named(experiment.method)
    if method.prunes == "during":
        stages = getattr(import_module(method.module), "stages", None)
        if stages is not None:
            found: list[tuple[float, int]] = stages(experiment, weights)
            return found
    return [(1.0, weights if experiment.target_nnz is None else experiment.target_nnz)]
