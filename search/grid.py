"""Lazily indexed grids of experiments: tables, and products and chains of grids.

Grids are small frozen dataclasses, so they pickle small. They yield only the fields of `Experiment`
that they determine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any, ClassVar, Self

from search.masks.sequences import AllMasks, EligibleMasks

Updates = dict[str, Any]
"""Names of `Experiment` fields and their values."""


@dataclass(frozen=True)
class Grid(ABC):
    """A sequence of field updates, of any length (`len` would stop at 2^63 - 1)."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of updates."""

    @abstractmethod
    def __getitem__(self, index: int) -> Updates:
        """Return the updates at an index from 0 to below `size`."""

    @abstractmethod
    def values(self, field: str) -> frozenset[Any]:
        """Return all values of a field; empty if the grid does not determine it."""

    @abstractmethod
    def definition(self) -> dict[str, Any]:
        """Return everything that decides the updates and their order, as JSON values."""

    @property
    def mask_layers(self) -> int:
        """Maximum number of masks of an experiment."""
        return 0

    def __reduce__(self) -> tuple[Any, ...]:
        # Without cached sizes, so that workers receive little data.
        return type(self), tuple(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True)
class Table(Grid):
    """Explicit combinations of some fields.

    Attributes:
        names: names of the fields.
        rows: one value of each field.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Updates:
        """Return one row."""
        return dict(zip(self.names, self.rows[index], strict=True))

    def values(self, field: str) -> frozenset[Any]:
        """Return the values of a field."""
        if field not in self.names:
            return frozenset()
        column = self.names.index(field)
        return frozenset(row[column] for row in self.rows)

    def definition(self) -> dict[str, Any]:
        """Return the table."""
        return {"fields": self.names, "rows": self.rows}


def axis(field: str, *values: Any) -> Table:
    """Return the values of one field as a table."""
    return Table((field,), tuple((value,) for value in values))


@dataclass(frozen=True)
class Replicates(Grid):
    """Replicates from 0.

    Attributes:
        count: number of replicates.
    """

    count: int

    @property
    def size(self) -> int:
        """Number of replicates."""
        return self.count

    def __getitem__(self, index: int) -> Updates:
        """Return one replicate."""
        return {"replicate": index}

    def values(self, field: str) -> frozenset[Any]:
        """Return all replicates."""
        return frozenset(range(self.count)) if field == "replicate" else frozenset()

    def definition(self) -> dict[str, Any]:
        """Return the number of replicates."""
        return {"replicates": self.count}


@dataclass(frozen=True)
class StructureGrid(Grid):
    """One structure with combinations of masks of its layers, which are not listed.

    Attributes:
        structure: neurons used in each hidden layer.
    """

    structure: tuple[int, ...]

    def values(self, field: str) -> frozenset[Any]:
        """Return the structure; a ValueError for the masks, which are not listed."""
        if field == "masks":
            raise ValueError("combinations of masks are not listed")
        return frozenset({self.structure}) if field == "structure" else frozenset()


@dataclass(frozen=True)
class MaskedStructure(StructureGrid):
    """Every combination of masks of a structure's layers, the first layer slowest.

    Attributes:
        layers: masks of the first layers, as text.
    """

    layers: tuple[EligibleMasks | AllMasks | tuple[str, ...], ...]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(
            len(masks) if isinstance(masks, tuple) else masks.size for masks in self.layers
        )

    @property
    def size(self) -> int:
        """Number of combinations."""
        return prod(self._sizes)

    @property
    def mask_layers(self) -> int:
        """Number of layers with a mask."""
        return len(self.layers)

    def __getitem__(self, index: int) -> Updates:
        """Return the structure and one combination of masks."""
        chosen = []
        for masks, size in zip(reversed(self.layers), reversed(self._sizes), strict=True):
            index, position = divmod(index, size)
            chosen.append(masks[position])
        return {"structure": self.structure, "masks": tuple(reversed(chosen))}

    def definition(self) -> dict[str, Any]:
        """Return the structure and the masks of its layers."""
        layers = [
            masks if isinstance(masks, tuple) else masks.definition() for masks in self.layers
        ]
        return {"structure": self.structure, "layers": layers}


@dataclass(frozen=True)
class CombinedGrid(Grid):
    """A grid made of other grids, its parts."""

    kind: ClassVar[str]
    parts: tuple[Grid, ...]

    @classmethod
    def of(cls, *parts: Grid) -> Self:
        """Return the grid of these parts."""
        return cls(parts)

    @property
    def mask_layers(self) -> int:
        """Maximum over the parts."""
        return max((part.mask_layers for part in self.parts), default=0)

    def values(self, field: str) -> frozenset[Any]:
        """Return the values in any part."""
        return frozenset().union(*(part.values(field) for part in self.parts))

    def definition(self) -> dict[str, Any]:
        """Return the kind of combination, and the parts."""
        return {self.kind: [part.definition() for part in self.parts]}


@dataclass(frozen=True)
class Product(CombinedGrid):
    """Every combination of parts that determine different fields, the first part slowest."""

    kind = "product"

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(part.size for part in self.parts)

    @property
    def size(self) -> int:
        """Product of the parts' sizes."""
        return prod(self._sizes)

    def __getitem__(self, index: int) -> Updates:
        """Return the updates of all parts together."""
        updates: Updates = {}
        for part, size in zip(reversed(self.parts), reversed(self._sizes), strict=True):
            index, position = divmod(index, size)
            updates.update(part[position])
        return updates


@dataclass(frozen=True)
class Chain(CombinedGrid):
    """Parts that determine the same fields, one after the other."""

    kind = "chain"

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((part.size for part in self.parts), initial=0))

    @property
    def size(self) -> int:
        """Sum of the parts' sizes."""
        return self._starts[-1]

    def __getitem__(self, index: int) -> Updates:
        """Return the updates at an index."""
        part = bisect_right(self._starts, index) - 1
        return self.parts[part][index - self._starts[part]]
