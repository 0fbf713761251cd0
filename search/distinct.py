"""The distinct networks of a structure as a lazily indexed grid.

Networks are distinct if no renaming of hidden neurons turns one into the other. Each is represented
by one combination of masks (`search.masks.renaming`), in the order of `masks = "all"`. They are
looked up in a tree of masks (`search.masks.distinct_tree`) that every process builds on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log10
from typing import TYPE_CHECKING, Any

from search.grid import StructureGrid, Updates
from search.masks.burnside import MAX_TERMS, burnside_terms, count_distinct
from search.masks.space import least_distinct
from search.masks.text import rows_text
from search.structure import Structure

if TYPE_CHECKING:  # numba takes as long as most commands
    import numpy as np
    from numpy.typing import NDArray

    from search.masks.distinct_tree import MaskList

MAX_NETWORKS = 10_000_000
"""Maximum number of distinct networks of a structure whose networks are listed."""


@dataclass(frozen=True)
class DistinctMasks(StructureGrid):
    """The masks of each distinct network of a structure.

    Attributes:
        inputs: number of features of the data.
    """

    inputs: int

    @cached_property
    def size(self) -> int:
        """Number of distinct networks, computed without listing them."""
        return count_distinct(self.inputs, self.structure).networks

    def __getitem__(self, index: int) -> Updates:
        """Return the structure and the masks of one network.

        The first call builds the lists, which takes seconds for the largest structures.
        """
        masks = []
        listed: MaskList | None = self._tree
        while listed is not None:
            position, index = listed.find(index)
            masks.append(listed.rows[position])
            listed = listed.next_layer[listed.next_list[position]] if listed.next_layer else None
        return {"structure": self.structure, "masks": self._texts(masks)}

    @property
    def counts(self) -> Sequence[int]:
        """Number of networks by the number of weights in the hidden layers, from 0."""
        counts: list[int] = self._tree.counts.tolist()
        return counts

    def with_weights(self, weights: int) -> Iterator[tuple[str, ...]]:
        """Yield the masks of the networks with a number of weights in the hidden layers, in order.

        They are found one at a time, without a list of all.
        """
        return map(self._texts, self._tree.with_weights(weights))

    @property
    def _tree(self) -> MaskList:
        from search.masks.distinct_tree import distinct_tree

        return distinct_tree(self.structure, self.inputs)

    def _texts(self, masks: Sequence[NDArray[np.unsignedinteger[Any]]]) -> tuple[str, ...]:
        """Return masks as text, given their rows from the bottom up."""
        widths = (self.inputs, *self.structure)
        return tuple(
            rows_text(tuple(reversed(mask.tolist())), width)
            for mask, width in zip(masks, widths, strict=False)
        )

    def definition(self) -> dict[str, Any]:
        """Return the structure and the number of inputs."""
        return {"structure": self.structure, "distinct": self.inputs}


def check_listed(structure: Structure, inputs: int) -> None:
    """Raise a ValueError if a structure has too many distinct networks to list them."""
    from search.masks.listing import MAX_COLUMNS

    if max(inputs, *structure) > MAX_COLUMNS:
        raise ValueError(
            f"{structure} has a layer of more than {MAX_COLUMNS} neurons or inputs, too wide to "
            "list its distinct networks"
        )
    allowed = f"allowed: structures that have up to {MAX_NETWORKS:,}"
    least = least_distinct(inputs, structure)
    if burnside_terms(inputs, structure) > MAX_TERMS:
        raise ValueError(
            f"{structure} is too wide to count its distinct networks, of which there are at least "
            f"{_readable(least)}; {allowed}"
        )
    if least > MAX_NETWORKS:
        # Counting them all would take 16 s for 16x16x16.
        raise ValueError(
            f"{structure} has at least {_readable(least)} distinct networks; {allowed}"
        )
    count = count_distinct(inputs, structure).networks
    if count > MAX_NETWORKS:
        raise ValueError(f"{structure} has {_readable(count)} distinct networks; {allowed}")


def _readable(count: int) -> str:
    return f"{count:,}" if count < 10**15 else f"about 10^{int(log10(count))}"
