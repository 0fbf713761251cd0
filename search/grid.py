"""Grids of experiments that are indexed without being held: tables, products and chains of them.

Grids are frozen dataclasses of small parts: they pickle small, and what they yield is only the
fields of `Experiment` that they decide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

from search.masks.sequences import AllMasks, Masks

Updates = dict[str, Any]
"""Names of `Experiment` fields and their values."""


@dataclass(frozen=True)
class Grid(ABC):
    """A sequence of field updates, of any length (`len` would stop at 2^63 - 1)."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many updates there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Updates:
        """The updates at an index, which must be at least 0 and below `size`."""

    @abstractmethod
    def values(self, field: str) -> frozenset[Any]:
        """All values that the grid gives to a field; empty where it does not decide it."""

    @abstractmethod
    def definition(self) -> dict[str, Any]:
        """All that decides the updates and their order, as plain JSON."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Sizes that were computed on the way are not worth shipping to workers.
        return type(self), tuple(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True)
class Table(Grid):
    """Combinations of some fields, written out.

    Attributes:
        names: the fields.
        rows: one value a field in each.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Updates:
        """One row."""
        return dict(zip(self.names, self.rows[index], strict=True))

    def values(self, field: str) -> frozenset[Any]:
        """The values of a column."""
        if field not in self.names:
            return frozenset()
        column = self.names.index(field)
        return frozenset(row[column] for row in self.rows)

    def definition(self) -> dict[str, Any]:
        """The table itself."""
        return {"fields": self.names, "rows": self.rows}


def axis(field: str, *values: Any) -> Table:
    """The values of one field, one after the other."""
    return Table((field,), tuple((value,) for value in values))


@dataclass(frozen=True)
class Replicates(Grid):
    """Replicates 0, 1, 2 and on.

    Attributes:
        count: how many.
    """

    count: int

    @property
    def size(self) -> int:
        """How many."""
        return self.count

    def __getitem__(self, index: int) -> Updates:
        """One replicate."""
        return {"replicate": index}

    def values(self, field: str) -> frozenset[Any]:
        """All replicates."""
        return frozenset(range(self.count)) if field == "replicate" else frozenset()

    def definition(self) -> dict[str, Any]:
        """Their number."""
        return {"replicates": self.count}


@dataclass(frozen=True)
class MaskedStructure(Grid):
    """One structure under every combination of masks of its layers, the first layer's slowest.

    Attributes:
        structure: neurons used in each hidden layer.
        layers: masks of the first layers, as text.
    """

    structure: tuple[int, ...]
    layers: tuple[Masks | AllMasks | tuple[str, ...], ...]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(
            len(masks) if isinstance(masks, tuple) else masks.size for masks in self.layers
        )

    @property
    def size(self) -> int:
        """Number of combinations."""
        return prod(self._sizes)

    def __getitem__(self, index: int) -> Updates:
        """The structure and one combination."""
        chosen = []
        for masks, size in zip(reversed(self.layers), reversed(self._sizes), strict=True):
            index, place = divmod(index, size)
            chosen.append(masks[place])
        return {"structure": self.structure, "masks": tuple(reversed(chosen))}

    def values(self, field: str) -> frozenset[Any]:
        """The structure; the combinations of masks are not listed.

        Raises:
            ValueError: asked for the masks.
        """
        if field == "masks":
            raise ValueError("combinations of masks are not listed")
        return frozenset({self.structure}) if field == "structure" else frozenset()

    def definition(self) -> dict[str, Any]:
        """The structure and the masks of its layers."""
        layers = [
            masks if isinstance(masks, tuple) else masks.definition() for masks in self.layers
        ]
        return {"structure": self.structure, "layers": layers}


@dataclass(frozen=True)
class Product(Grid):
    """Every combination of parts that decide different fields, the first part slowest."""

    parts: tuple[Grid, ...]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(part.size for part in self.parts)

    @property
    def size(self) -> int:
        """Product of the parts' sizes."""
        return prod(self._sizes)

    def __getitem__(self, index: int) -> Updates:
        """The updates of all parts together."""
        updates: Updates = {}
        for part, size in zip(reversed(self.parts), reversed(self._sizes), strict=True):
            index, place = divmod(index, size)
            updates.update(part[place])
        return updates

    def values(self, field: str) -> frozenset[Any]:
        """The values that the one part gives which decides the field."""
        return frozenset().union(*(part.values(field) for part in self.parts))

    def definition(self) -> dict[str, Any]:
        """The parts."""
        return {"product": [part.definition() for part in self.parts]}


@dataclass(frozen=True)
class Chain(Grid):
    """Parts that decide the same fields, one behind the other."""

    parts: tuple[Grid, ...]

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((part.size for part in self.parts), initial=0))

    @property
    def size(self) -> int:
        """Sum of the parts' sizes."""
        return self._starts[-1]

    def locate(self, index: int) -> tuple[int, int]:
        """The number of the part that an index falls into, and its index there."""
        part = bisect_right(self._starts, index) - 1
        return part, index - self._starts[part]

    def __getitem__(self, index: int) -> Updates:
        """The updates of the part that the index falls into."""
        part, place = self.locate(index)
        return self.parts[part][place]

    def values(self, field: str) -> frozenset[Any]:
        """The values that any part gives."""
        return frozenset().union(*(part.values(field) for part in self.parts))

    def definition(self) -> dict[str, Any]:
        """The parts."""
        return {"chain": [part.definition() for part in self.parts]}
