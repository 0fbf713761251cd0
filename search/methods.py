"""All methods: a new one is an entry in `METHODS` and a module with its algorithm.

Other packages add methods as plug-ins. The algorithms are in `pruning`; nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from search.experiment import Experiment
from search.method import TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET, Method, Phase
from search.plugins import METHODS_GROUP, FoundPlugins, find_plugins
from search.settings import Setting, Value
from search.styles import Style
from search.suggestions import suggestion


def _epochs(default: float, what: str) -> Setting:
    """Return the setting of a length."""
    return Setting(default, 0.0, 100.0, f"{what}, as a multiple of epochs")


def _finetune(default: float = 1.0) -> dict[str, Setting]:
    return {"finetune": _epochs(default, "training after the removal")}


def _removed(threshold: float) -> dict[str, Setting]:
    """Return the settings of a method that removes small weights and fine-tunes the others."""
    meaning = "magnitude up to which weights are removed"
    return {"threshold": Setting(threshold, 0.0, 1e6, meaning), **_finetune()}


def _strength(default: float, most: float, meaning: str) -> dict[str, Setting]:
    return {"strength": Setting(default, 0.0, most, meaning)}


BUDGET = {
    "budget": Setting(
        "direct",
        meaning="weights that target_nnz counts: all kept ones, or those on a path",
        choices=("direct", "effective"),
    )
}
"""Setting of every method that prunes before training; see `pruning.effective_budget`."""

_GMP_SETTINGS = {
    "events": Setting(200, 2, 100_000, "intervals of the training between changes"),
    "exponent": Setting(3.0, 0.01, 100.0, "exponent of the density's decay"),
}
_ATTEMPTS = {
    "attempts": Setting(
        1, 1, 1000, "with target_accuracy, trainings of a round before it removes fewer weights"
    )
}
_TEN_ROUNDS = {"rounds": Setting(10, 1, 100_000, "rounds of pruning"), **BUDGET}
_INTERVAL = {"interval": Setting(100, 1, 2**31 - 1, "steps between changes of the masks")}


def _elimination(
    dense: float, shrink: float, exact_below: int, candidates: int
) -> dict[str, Setting]:
    """Return the settings of a method that eliminates, with some of their defaults."""
    below = "number of weights below which one at a time is removed"
    retrained = "networks retrained to choose the weight to remove"
    return {
        "dense": _epochs(dense, "dense training"),
        "shrink": _epochs(shrink, "pruning to exact_below"),
        "exact_below": Setting(exact_below, 1, 10_000, below),
        "candidates": Setting(candidates, 1, 1000, retrained),
        "retrain": _epochs(0.08, "training of each candidate"),
        "fine": Setting(0.5, 1e-6, 1.0, "factor of the learning rate below exact_below"),
    }


def _surgeon(rounds: int, retrain: float) -> dict[str, Setting]:
    """Return the settings of optimal brain surgeon, with some of their defaults."""
    below = "number of weights below which the whole matrix is used"
    return {
        "rounds": Setting(rounds, 1, 1000, "rounds of pruning"),
        "retrain": _epochs(retrain, "training after each round"),
        "full_below": Setting(300, 1, 10_000, below),
        "damping": Setting(1e-4, 1e-12, 1e6, "addition to the matrix's diagonal"),
    }


_ELIMINATION = _elimination(0.4, 1.2, 70, 6)

_APPEARANCES = {
    "search": ("", "#000000", "#ffffff", "circle"),
    "gmp": ("GMP", "#0072b2", "#3d9ad6", "square"),
    "lth": ("LTH", "#d55e00", "#f0792a", "diamond"),
    "force": ("FORCE", "#009e73", "#14b88a", "triangle-up"),
    "rigl": ("RigL", "#b8578c", "#de8fb9", "cross"),
    "snip": ("SNIP", "#d08e00", "#e69f00", "triangle-down"),
    "iter-snip": ("Iter SNIP", "#3a9fd8", "#74c4f0", "x"),
    "grasp": ("GraSP", "#8a5a2b", "#bf9566", "pentagon"),
    "prospr": ("ProsPr", "#76797d", "#a5a9ae", "star"),
    "synflow": ("SynFlow", "#9c8f00", "#f0e442", "hexagon"),
    "elimination": ("Elimination", "#6b3fa0", "#b08ee0", "diamond-tall"),
    "neuron-elimination": ("Neuron elimination", "#4d4d00", "#a0a060", "hexagram"),
    "exchange": ("Exchange", "#1f6f78", "#5cb8c4", "circle-open"),
    "lrr": ("LRR", "#a3161f", "#e8565f", "triangle-left"),
    "granet": ("GraNet", "#2f6b2f", "#77b877", "triangle-right"),
    "phew": ("PHEW", "#b0672a", "#f2a66b", "hexagon2"),
    "random": ("Random", "#3d3d3d", "#c9c9c9", "octagon"),
    "obs": ("OBS", "#00808a", "#4fc3cc", "octagon"),
    "obs-gradual": ("Gradual OBS", "#3f4fb5", "#8d99f0", "star-diamond"),
    "spred": ("", "#5c6b1f", "#a3b84a", "square"),
    "dwf": ("DWF", "#8f2d56", "#d1729b", "diamond"),
    "str": ("STR", "#2f6f73", "#63b5ba", "triangle-up"),
    "continuous": ("Continuous sparsification", "#a0522d", "#d98a5f", "pentagon"),
    "l0": ("L0", "#4b4b8f", "#8c8cd1", "cross"),
    "powerprop": ("Powerpropagation", "#1f5c99", "#5c9fd9", "star"),
    "group-lasso": ("Group lasso", "#6e6e6e", "#b3b3b3", "hexagon"),
}
"""Method -> `Method.display_name` and the arguments of its `Style`. The colours are those of Okabe
and Ito (Color Universal Design, 2008), which remain distinct with the common kinds of colour
blindness, and more of the kind."""


def _method(
    prunes: Phase,
    name: str,
    cost: tuple[float, float] = (0.0, 0.0),
    settings: Mapping[str, Setting] | None = None,
    *,
    keys: frozenset[str] = TO_TARGET,
    module: str | None = None,
    **others: Any,
) -> Method:
    """Return a built-in method; its module has its name unless another one is given."""
    display_name, *style = _APPEARANCES[name]
    module = f"pruning.{name.replace('-', '_')}" if module is None else module
    others |= {"style": Style(*style), "display_name": display_name}
    return Method(name, prunes, keys, module, cost, settings=settings or {}, **others)


_before, _during, _adaptive = (
    partial(_method, phase) for phase in ("before", "during", "adaptive")
)
_without_target = partial(_adaptive, keys=WITHOUT_TARGET)

_METHODS = (
    _method("explicit", "search", keys=frozenset({"structure", "masks"}), module=""),
    _during(
        "gmp",
        (155, 21000),
        _GMP_SETTINGS | _ATTEMPTS,
        keys=TO_TARGET_OR_ACCURACY,
        steps_at_least="events",
        other_name="imp",
    ),
    _during(
        "lth",
        (10, 800),
        {"rounds": Setting(5, 2, 1000, "trainings, the last one with the target's mask")},
        rounds_setting="rounds",
    ),
    _before("force", (6.3, 350), _TEN_ROUNDS),
    _during(
        "rigl",
        (215, 5000),
        _INTERVAL
        | {
            "drop_fraction": Setting(0.3, 0.0, 1.0, "fraction of weights dropped by a change"),
            "end": Setting(0.75, 0.0, 1.0, "fraction of the training after which masks are fixed"),
        },
    ),
    _before("snip", (1.0, 135), BUDGET, xavier=True),
    _before("iter-snip", (6.3, 350), _TEN_ROUNDS),
    _before(
        "grasp",
        (2.5, 90),
        {
            "points": Setting(25, 1, 10_000, "points of each class"),
            "temperature": Setting(200.0, 1e-6, 1e6, "divisor of the logits"),
            **BUDGET,
        },
        xavier=True,
    ),
    _before(
        "prospr",
        (6.0, 210),
        {
            "inner_steps": Setting(3, 1, 1000, "steps of SGD before the loss is measured"),
            "detach_first": Setting(0, 0, 1, "1: the first step's gradient is a constant"),
            **BUDGET,
        },
    ),
    _before(
        "synflow", (50, 2500), {"rounds": Setting(100, 1, 100_000, "rounds of pruning"), **BUDGET}
    ),
    _adaptive("elimination", (300, 20000), _ELIMINATION, keys=TO_TARGET_OR_ACCURACY),
    _adaptive(
        "neuron-elimination",
        (140, 28000),
        _ELIMINATION
        | {
            "weights_below": Setting(
                0, 0, 10_000, "number of weights at or below which single ones are removed"
            )
        },
    ),
    _adaptive(
        "exchange",
        (1000, 20000),
        _elimination(0.2, 0.3, 50, 2)
        | {
            "rounds": Setting(10, 0, 100_000, "rounds of regrowing and eliminating weights"),
            "proposals": Setting(6, 1, 1000, "networks that are changed in a round"),
            "grown": Setting(8, 1, 1000, "weights that grow in each of them"),
        },
    ),
    _during(
        "lrr",
        (10, 2500),
        {
            "fraction": Setting(0.2, 0.01, 0.99, "fraction of the weights removed after a round"),
            **_ATTEMPTS,
        },
        keys=TO_TARGET_OR_ACCURACY,
    ),
    _during(
        "granet",
        (350, 35000),
        _INTERVAL
        | {
            "drop_fraction": Setting(
                0.5, 0.0, 1.0, "fraction of a layer's weights replaced by the first change"
            ),
            "end": Setting(
                0.6875, 0.0, 1.0, "fraction of the training after which the target is reached"
            ),
        },
    ),
    _before("phew", (0.5, 30)),
    _before(
        "random",
        (0.5, 30),
        {
            "densities": Setting(
                "erk",
                meaning="weights of each layer: by Erdos-Renyi-Kernel densities, or at random",
                choices=("erk", "uniform"),
            ),
            **BUDGET,
        },
        module="pruning.random_masks",
    ),
    _adaptive("obs", (200, 50000), _surgeon(1, 0.0)),
    _adaptive("obs-gradual", (280, 15000), _surgeon(20, 0.1), module="pruning.obs"),
    _without_target(
        "spred",
        (200, 30000),
        {**_strength(4e-4, 1.0, "weight decay of the factors"), **_removed(0.01)},
    ),
    _without_target(
        "dwf",
        (250, 45000),
        {
            "factors": Setting(3, 2, 16, "number of factors of a weight"),
            **_strength(1e-3, 1.0, "weight decay of the factors"),
            "rate": Setting(
                0.02, 1e-6, 100.0, "factors' learning rate, as a multiple of the experiment's"
            ),
            **_removed(0.2),
        },
    ),
    _without_target(
        "str",
        (400, 60000),
        {
            "start": Setting(-8.0, -100.0, 0.0, "first thresholds, before sigmoid"),
            **_strength(3e-3, 1.0, "weight decay of the thresholds before sigmoid"),
            **_finetune(0.0),
        },
    ),
    _without_target(
        "continuous",
        (350, 60000),
        {
            "start": Setting(0.0, -10.0, 10.0, "first value of the gates' parameters"),
            "final": Setting(200.0, 1.0, 1e6, "temperature in the last epoch"),
            **_strength(1e-4, 1e3, "penalty for each open gate"),
            **_finetune(),
        },
    ),
    _without_target(
        "l0",
        (700, 150000),
        {
            "dropout": Setting(0.05, 0.001, 0.999, "first probability that a gate's base is low"),
            **_strength(1.5e-3, 1e3, "penalty for each weight that is expected"),
            "rate": Setting(
                100.0, 1e-6, 1e6, "gates' learning rate, as a multiple of the experiment's"
            ),
            **_finetune(),
        },
    ),
    _adaptive(
        "powerprop",
        (500, 90000),
        {"power": Setting(2.0, 1.0, 16.0, "power of a free parameter"), **_GMP_SETTINGS},
        steps_at_least="events",
    ),
    _without_target(
        "group-lasso",
        (300, 40000),
        {
            **_strength(3e-4, 1e3, "penalty"),
            "threshold": Setting(0.1, 0.0, 1e6, "norm up to which neurons are removed"),
            **_finetune(),
        },
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in _METHODS}
"""The built-in methods by name, in the order of legends and tables."""


@cache
def plugin_methods() -> FoundPlugins[Method]:
    """Find the methods of other packages, once per process."""
    # Imported here: it needs pydantic, which a worker without plug-ins does not load.
    from search.plugin_methods import check_method

    return find_plugins(METHODS_GROUP, METHODS, check_method)


def all_methods() -> Mapping[str, Method]:
    """Return every method by name, plug-ins after the built-in ones."""
    return METHODS | plugin_methods().usable


def method_named(name: str) -> Method:
    """Return the method of that name; a ValueError if none can be used."""
    # Plug-ins are loaded only if the name is not a built-in one.
    method = METHODS.get(name) or plugin_methods().get(name)
    if method is None:
        raise ValueError(
            f"unknown method {name!r}{suggestion(name, all_methods())}; there are: "
            f"{', '.join(all_methods())}"
        )
    return method


def setting(experiment: Experiment, name: str) -> int | float:
    """Return a hyperparameter of the experiment's method: its own value or the default.

    Raises:
        ValueError: the method is unknown, or the experiment names a hyperparameter that the method
            does not have or whose value is not allowed.
        KeyError: the method has no hyperparameter `name`, or it is a word (`choice`).

    Example:
        >>> import sparsest
        >>> default = sparsest.Experiment(method="synflow", target_nnz=20)
        >>> fewer = sparsest.Experiment(
        ...     method="synflow", target_nnz=20, hyperparameters=(("rounds", 5),)
        ... )
        >>> sparsest.setting(default, "rounds"), sparsest.setting(fewer, "rounds")
        (100, 5)
    """
    value = _value(experiment, name)
    if isinstance(value, str):
        raise KeyError(name)
    return value


def choice(experiment: Experiment, name: str) -> str:
    """Return a hyperparameter that is one of a few words; see `setting`.

    Raises:
        ValueError: as `setting`.
        KeyError: the method has no hyperparameter `name`, or it is a number.

    Example:
        >>> import sparsest
        >>> sparsest.choice(sparsest.Experiment(method="snip", target_nnz=20), "budget")
        'direct'
    """
    value = _value(experiment, name)
    if not isinstance(value, str):
        raise KeyError(name)
    return value


def _value(experiment: Experiment, name: str) -> Value:
    settings = method_named(experiment.method).settings
    for key, value in experiment.hyperparameters:
        if key not in settings:
            known = ", ".join(settings) or "none"
            raise ValueError(
                f"method {experiment.method!r} has no hyperparameter {key!r}; it has: {known}"
            )
        if not settings[key].allows(value):
            raise ValueError(
                f"{experiment.method} {key} cannot be {value!r}; allowed: {settings[key].allowed}"
            )
    return dict(experiment.hyperparameters).get(name, settings[name].default)


def training_epochs(experiment: Experiment) -> int:
    """Return the number of epochs of all training rounds of an experiment."""
    rounds_setting = method_named(experiment.method).rounds_setting
    if not rounds_setting:
        return experiment.epochs
    return experiment.epochs * int(setting(experiment, rounds_setting))
