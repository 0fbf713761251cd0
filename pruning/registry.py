"""Every way to come to a mask: an algorithm is a file here and a line in `METHODS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Moment = Literal["given", "before", "during", "after"]
"""When a mask is settled, seen from training: not chosen at all but given with the experiment,
chosen before the first step, changed between steps, or chosen from the trained network."""


@dataclass(frozen=True)
class Method:
    """A way to come to a mask.

    Attributes:
        name: what `Experiment.method` calls it.
        prunes: when the mask is settled.
        keys: keys of a sweep file that only some methods use and that this one does.
    """

    name: str
    prunes: Moment
    keys: frozenset[str]


METHODS: dict[str, Method] = {
    "search": Method("search", "given", frozenset({"structure", "masks"})),
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
