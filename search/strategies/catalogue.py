"""All search strategies; other packages add theirs as plug-ins."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from search.plugins import STRATEGIES_GROUP, FoundPlugins, check_function, find_plugins
from search.strategies.problem import Strategy
from search.suggestions import suggestion

STRATEGIES = {
    "halving": "search.strategies.halving",
    "eliminate": "search.strategies.eliminate",
    "evolve": "search.strategies.evolve",
}
"""Module of each built-in strategy, whose function `propose` it is."""

EXHAUSTIVE = ("halving",)
"""Built-in strategies that can try every distinct network (`Problem.exhaustive`)."""


def check_exhaustive(name: str) -> None:
    """Check that a strategy can try every distinct network; a ValueError if it is known not to."""
    if name in STRATEGIES and name not in EXHAUSTIVE:
        raise ValueError(
            f"strategy {name!r} cannot try every network; allowed: {', '.join(EXHAUSTIVE)}"
        )


@cache
def plugin_strategies() -> FoundPlugins[Strategy]:
    """Find the strategies of other packages, once per process."""
    return find_plugins(STRATEGIES_GROUP, {*STRATEGIES, "enumerate"}, check_function)


def strategy_named(name: str) -> Strategy:
    """Return the strategy of that name; a ValueError if none can be used."""
    if name in STRATEGIES:
        return cast(Strategy, import_module(STRATEGIES[name]).propose)
    strategy = plugin_strategies().get(name)
    if strategy is None:
        names = ["enumerate", *STRATEGIES, *plugin_strategies().usable]
        raise ValueError(
            f"unknown strategy {name!r}{suggestion(name, names)}; allowed: {', '.join(names)}"
        )
    return strategy
