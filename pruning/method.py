"""What there is to know about a method before any of its code is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from search.settings import Setting

Phase = Literal["given", "before", "during", "after"]
"""When a mask is settled, seen from training: not chosen at all but given with the experiment,
chosen before the first step, changed between steps, or chosen from the trained network."""

TO_TARGET = frozenset({"target_nnz"})
"""`Method.keys` of a method that prunes."""


@dataclass(frozen=True)
class Method:
    """A way to come to a mask.

    Attributes:
        name: what `Experiment.method` calls it.
        prunes: when the mask is settled. The method's file provides what that phase needs:
            "before": a function `prune`, a `pruning.protocol.PrunesBefore`; "during": a function
            `begin`, a `pruning.protocol.PrunesDuring`.
        keys: keys of a sweep file that only some methods use and that this one does.
        module: its file; empty where nothing is chosen.
        cost: what choosing the masks takes on one core, in all: ms for any network, and ns more
            for each of its weights.
        settings: its hyperparameters, with the authors' values.
        steps_at_least: the setting below whose value the number of steps must not be; or none.
        other_name: what the paper's authors call it in their lists, where that is something else.
        xavier: whether the weights of a fresh network are drawn anew from a Xavier-normal
            distribution (docs/paper.md, section 5).
    """

    name: str
    prunes: Phase
    keys: frozenset[str]
    module: str = ""
    cost: tuple[float, float] = (0.0, 0.0)
    xavier: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)
    steps_at_least: str = ""
    other_name: str = ""
