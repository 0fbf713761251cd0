"""Every way to come to a mask: an algorithm is a file here and a line in `METHODS`.

Nothing here loads torch: an algorithm's file is imported when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pruning.protocol import PrunesBefore

Moment = Literal["given", "before", "during", "after"]
"""When a mask is settled, seen from training: not chosen at all but given with the experiment,
chosen before the first step, changed between steps, or chosen from the trained network."""


@dataclass(frozen=True)
class Method:
    """A way to come to a mask.

    Attributes:
        name: what `Experiment.method` calls it.
        prunes: when the mask is settled. The method's file provides what that moment needs:
            "before": a function `prune`, a `pruning.protocol.PrunesBefore`.
        keys: keys of a sweep file that only some methods use and that this one does.
        module: its file; empty where nothing is chosen.
        cost: what choosing the masks takes on one core: ms for any network, and ns more for each
            of its weights.
        xavier: whether the weights of a fresh network are drawn anew from a Xavier-normal
            distribution (docs/paper.md, section 5).
    """

    name: str
    prunes: Moment
    keys: frozenset[str]
    module: str = ""
    cost: tuple[float, float] = (0.0, 0.0)
    xavier: bool = False


_GIVEN = frozenset({"structure", "masks"})
_TO_TARGET = frozenset({"target_nnz"})

METHODS: dict[str, Method] = {
    "search": Method("search", "given", _GIVEN),
    "snip": Method("snip", "before", _TO_TARGET, "pruning.snip", (0.5, 75), xavier=True),
    "grasp": Method("grasp", "before", _TO_TARGET, "pruning.grasp", (1.1, 65), xavier=True),
    "synflow": Method("synflow", "before", _TO_TARGET, "pruning.synflow", (18, 1300)),
    "iter-snip": Method("iter-snip", "before", _TO_TARGET, "pruning.iter_snip", (2.2, 220)),
    "force": Method("force", "before", _TO_TARGET, "pruning.force", (2.2, 220)),
    "prospr": Method("prospr", "before", _TO_TARGET, "pruning.prospr", (2.0, 160)),
}
"""Every method by its name."""


def method_named(name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: there is no method of that name.
    """
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; there are: {', '.join(METHODS)}")
    return METHODS[name]


def pruning_before(method: Method) -> PrunesBefore:
    """The algorithm of a method that prunes before training; its file is imported.

    Raises:
        ValueError: the method prunes at another moment.
    """
    if method.prunes != "before":
        raise ValueError(f"method {method.name!r} does not prune before training")
    prune: PrunesBefore = import_module(method.module).prune
    return prune
