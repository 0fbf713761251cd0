"""The shapes of the paper's grids (docs/paper.md, section 4), the slowest index first."""

from __future__ import annotations

from itertools import product

from search.grid import Chain, Grid, MaskedStructure, Product, Table, axis
from search.mask_sequences import Masks
from search.sizes import dense_parameters, dense_weights

SCHEDULES = ("cosine", "step", "constant")

INPUTS = 2
"""Features of the Cubist Spiral."""

REPETITIONS = 5
"""Of each pruning run from a stored initialisation."""

_RANDOM_METHODS = (
    "lth", "rigl", "prospr", "iter-snip", "force", "gmp", "grasp", "snip", "synflow",
)  # fmt: skip
FIXED_95_METHODS = (
    "force", "grasp", "prospr", "iter-snip", "gmp", "lth", "snip", "rigl", "synflow",
)  # fmt: skip
FIXED_995_METHODS = (
    "iter-snip", "prospr", "force", "gmp", "lth", "grasp", "snip", "rigl", "synflow",
)  # fmt: skip
_RANDOM_WIDTHS = (3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256)
_RANDOM_TARGETS = (*range(15, 27), 30, 33, 37, 40, 44, 50, 53, 55, 57, 60, 65)
FIXED_95_TARGETS = tuple(range(15, 27))
FIXED_995_TARGETS = (16, 18, 20, 22, *range(24, 31), 32, 34, 36)


def overparam() -> Grid:
    """The pruning algorithms from fresh networks, targets below the number of weights only."""
    sizes = [
        (width, target)
        for width, target in product(_RANDOM_WIDTHS, _RANDOM_TARGETS)
        if target < dense_weights(INPUTS, (width,) * 3)
    ]
    return Product(
        (
            axis("lr", 0.05, 0.1, 0.2),
            axis("schedule", *SCHEDULES),
            axis("method", *_RANDOM_METHODS),
            Table(("width", "target_nnz"), tuple(sizes)),
        )
    )


def fixed_prune(
    methods: tuple[str, ...], widths: tuple[int, ...], targets: tuple[int, ...]
) -> Grid:
    """The pruning algorithms from one stored initialisation, each repeated."""
    return Product(
        (
            axis("replicate", *range(REPETITIONS)),
            axis("lr", 0.05, 0.1, 0.2),
            axis("schedule", *SCHEDULES),
            axis("method", *methods),
            axis("width", *widths),
            axis("target_nnz", *targets),
        )
    )


def phase1(fewer_than: int | None = None) -> Grid:
    """All dense structures of up to 16 neurons a layer, or those with few enough parameters."""
    structures = [
        structure
        for structure in product(range(1, 17), repeat=3)
        if fewer_than is None or dense_parameters(INPUTS, structure) < fewer_than
    ]
    return Product(
        (axis("lr", 0.05, 0.1), axis("schedule", *SCHEDULES), axis("structure", *structures))
    )


def phase2(
    structure: tuple[int, int, int],
    lrs: tuple[float, ...],
    nnz_below: int | None = None,
    mask2_limit: int | None = None,
) -> Grid:
    """All eligible masks of the hidden layers of one structure; the output layer is dense.

    Args:
        structure: neurons used in each hidden layer.
        lrs: learning rates.
        nnz_below: bound on the nonzeros of the three masks together.
        mask2_limit: only so many first masks of the second layer for each number of nonzeros.
    """
    first, second, third = (
        {nnz: Masks(rows, cols, nnz, limit) for nnz in range(max(rows, cols), rows * cols + 1)}
        for rows, cols, limit in zip(
            structure, (INPUTS, *structure[:-1]), (None, mask2_limit, None), strict=True
        )
    )
    blocks = [
        MaskedStructure(structure, (first[nnz1], second[nnz2], third[nnz3]))
        for nnz1, nnz2, nnz3 in product(first, second, third)
        if nnz_below is None or nnz1 + nnz2 + nnz3 < nnz_below
    ]
    return Product((axis("lr", *lrs), axis("schedule", *SCHEDULES), Chain(tuple(blocks))))
