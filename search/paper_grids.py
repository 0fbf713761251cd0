"""The paper's grids (docs/paper.md, section 4), the slowest index first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from search.datasets import CUBIST_SPIRAL
from search.experiment import SCHEDULES
from search.grid import Chain, Grid, MaskedStructure, Product, Table, axis
from search.masks.sequences import EligibleMasks
from search.structure import Structure

INPUTS = CUBIST_SPIRAL.features
"""Features of the Cubist Spiral."""

LRS = (0.05, 0.1)
"""Learning rates of a search."""

REPETITIONS = 5
"""Number of repetitions of each pruning run from a stored initialisation."""

RANDOM_METHODS = (
    "lth", "rigl", "prospr", "iter-snip", "force", "gmp", "grasp", "snip", "synflow",
)  # fmt: skip
FIXED_95_METHODS = (
    "force", "grasp", "prospr", "iter-snip", "gmp", "lth", "snip", "rigl", "synflow",
)  # fmt: skip
FIXED_995_METHODS = (
    "iter-snip", "prospr", "force", "gmp", "lth", "grasp", "snip", "rigl", "synflow",
)  # fmt: skip
RANDOM_WIDTHS = (3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256)
RANDOM_TARGETS = (*range(15, 27), 30, 33, 37, 40, 44, 50, 53, 55, 57, 60, 65)
FIXED_95_TARGETS = tuple(range(15, 27))
FIXED_995_TARGETS = (16, 18, 20, 22, *range(24, 31), 32, 34, 36)


def overparam() -> Grid:
    """Return the grid of pruning fresh networks to targets below their number of weights."""
    sizes = [
        (width, target)
        for width, target in product(RANDOM_WIDTHS, RANDOM_TARGETS)
        if target < Structure.uniform(width).weights(INPUTS)
    ]
    return Product.of(
        axis("lr", 0.05, 0.1, 0.2),
        axis("schedule", *SCHEDULES),
        axis("method", *RANDOM_METHODS),
        Table(("width", "target_nnz"), tuple(sizes)),
    )


def fixed_prune(
    methods: tuple[str, ...], widths: tuple[int, ...], targets: tuple[int, ...]
) -> Grid:
    """Return the grid of pruning one stored initialisation repeatedly."""
    return Product.of(
        axis("replicate", *range(REPETITIONS)),
        axis("lr", 0.05, 0.1, 0.2),
        axis("schedule", *SCHEDULES),
        axis("method", *methods),
        axis("width", *widths),
        axis("target_nnz", *targets),
    )


def phase1(fewer_than: int | None = None) -> Grid:
    """Return the dense structures up to 16x16x16, optionally below a number of parameters."""
    structures = [
        structure
        for structure in map(Structure, product(range(1, 17), repeat=3))
        if fewer_than is None or structure.parameters(INPUTS) < fewer_than
    ]
    return Product.of(
        axis("lr", *LRS), axis("schedule", *SCHEDULES), axis("structure", *structures)
    )


@dataclass(frozen=True)
class ListedMasks:
    """The eligible masks of a structure that the paper's phase 2 tries.

    Attributes:
        study: name of the study that tries them.
        structure: neurons used in each hidden layer.
        nnz_below: exclusive bound on the nonzeros of the three masks together; None for no bound.
        mask2_limit: maximum number of masks of the second layer for each number of nonzeros.
    """

    study: str
    structure: Structure
    nnz_below: int | None = None
    mask2_limit: int | None = None

    def grid(self) -> Grid:
        """Return the combinations of the three masks, ordered by their numbers of nonzeros."""
        first, second, third = (
            {
                nnz: EligibleMasks(rows, cols, nnz, limit)
                for nnz in range(max(rows, cols), rows * cols + 1)
            }
            for rows, cols, limit in zip(
                self.structure,
                (INPUTS, *self.structure[:-1]),
                (None, self.mask2_limit, None),
                strict=True,
            )
        )
        blocks = [
            MaskedStructure(self.structure, (first[nnz1], second[nnz2], third[nnz3]))
            for nnz1, nnz2, nnz3 in product(first, second, third)
            if self.nnz_below is None or nnz1 + nnz2 + nnz3 < self.nnz_below
        ]
        return Chain(tuple(blocks))


LISTED_MASKS = {
    listed.study: listed
    for listed in (
        # 25,992 = 8 x 57 x 57
        ListedMasks("phase2-95", Structure((3, 3, 3))),
        # 63,208. quirk: the authors tried only the first 3 masks of the second layer for each nnz.
        ListedMasks("phase2-995", Structure((7, 3, 3)), nnz_below=33, mask2_limit=3),
        # 416 = 8 x 13 x 4
        ListedMasks("fixed95-phase2", Structure((3, 2, 2))),
        # 23,528. quirk: the authors tried only the first 6 masks of the second layer for each nnz.
        ListedMasks("fixed995-phase2", Structure((6, 3, 2)), nnz_below=31, mask2_limit=6),
    )
}
"""The masks of the paper's phases 2, by study."""


def phase2(study: str, lrs: tuple[float, ...]) -> Grid:
    """Return the grid of a phase 2; the output layer is dense."""
    masks = LISTED_MASKS[study].grid()
    return Product.of(axis("lr", *lrs), axis("schedule", *SCHEDULES), masks)
