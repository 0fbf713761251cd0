"""Grids of the validated tables of a sweep file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from math import prod
from typing import Any

from search.distinct import DistinctMasks, check_listed
from search.experiment import Experiment
from search.grid import Chain, Grid, MaskedStructure, Product, Table, axis
from search.masks.sequences import AllMasks
from search.masks.text import count_masks, dense_mask
from search.methods import method_named
from search.structure import Structure
from search.sweeps.hyperparameters import check_steps
from search.sweeps.rules import (
    METHOD_KEYS,
    SIZE_KEYS,
    Hyperparameters,
    RefusalError,
    SweepTable,
    check_table,
    mask_layer,
)

ORDER = (
    "dataset",
    "init",
    "momentum",
    "weight_decay",
    "batch_size",
    "epochs",
    "lr",
    "schedule",
    "method",
    "init_scheme",
    "target_accuracy",
    "structure",
    "depth",
    "width",
    "target_nnz",
    "masks",
)
"""Keys from the slowest to the fastest. Of mask1, mask2 and so on the first is the slowest. The
hyperparameters of a method vary directly after it, slower than init_scheme."""

_SHAPE_KEYS = (*SIZE_KEYS, "target_nnz", "masks")

_MAX_SIZES = 1_000_000
"""Maximum number of combinations of network sizes and target_nnz in a table."""


def table_grid(
    base: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
    name: str,
    hyperparameters: Mapping[str, Sequence[Hyperparameters]],
) -> tuple[Grid, int]:
    """Return the combinations of the table of this name together with [base].

    `base` has one value for each key, `grid` a list of them, and `hyperparameters` the combinations
    of each method. They are the same for all tables of a file, because all grids of a study
    determine the same fields.

    Returns:
        The grid, and the number of combinations that are omitted because their target_nnz is not
        below the number of weights (docs/paper.md, section 4).

    Raises:
        RefusalError: the keys contradict each other.
    """
    for key in grid:
        if key in base:
            raise RefusalError(f"{name}: {key} is in [base] too; allowed: one of the two")
    paper = Experiment()
    values: dict[str, Sequence[Any]] = {
        key: [getattr(paper, key)] for key in ORDER if key not in (*SIZE_KEYS, *METHOD_KEYS)
    }
    values |= {key: [value] for key, value in base.items()}
    values |= grid
    if "structure" in values:
        values["structure"] = [Structure.parse(text) for text in values["structure"]]
    if "structure" not in values or method_named(values["method"][0]).trains_part:
        values.setdefault("width", [paper.width])
    table = SweepTable(name, values, frozenset(base))
    ends = check_table(table)
    check_steps(table, hyperparameters)
    shapes, left_out = _shapes(table, *ends)
    # Every key is an axis, even in [base], so that equal sweeps have equal digests; the later key
    # target_accuracy only where it is used.
    slower = [
        _methods(table, hyperparameters) if key == "method" else axis(key, *values[key])
        for key in ORDER
        if key not in (*_SHAPE_KEYS, "init_scheme") and key in values
    ]
    return Product.of(*slower, shapes), left_out * prod(part.size for part in slower)


def _methods(table: SweepTable, hyperparameters: Mapping[str, Sequence[Hyperparameters]]) -> Table:
    """Return the methods, with every combination of their hyperparameters and schemes."""
    rows = [
        (name, values, None if scheme == method_named(name).init_scheme else scheme)
        for name in table.values["method"]
        for values in hyperparameters.get(name, [()])
        for scheme in table.values["init_scheme"]
    ]
    # The later columns only where they are used, so that earlier sweeps keep their digests.
    columns = {"method": [name for name, _, _ in rows]}
    if hyperparameters:
        columns["hyperparameters"] = [values for _, values, _ in rows]
    if any(scheme is not None for _, _, scheme in rows):
        columns["init_scheme"] = [scheme for _, _, scheme in rows]
    return Table(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def _shapes(table: SweepTable, inputs: int, outputs: int) -> tuple[Grid, int]:
    """Return structures, widths, targets and masks, and the number of omitted combinations."""
    targets = table.values.get("target_nnz", [None])
    structures = table.structures
    widths = table.values["width"] if table.trains_part else [None]
    combined = len(structures) * len(widths) * len(targets)
    if combined > _MAX_SIZES:
        named = [key for key in (*SIZE_KEYS, "target_nnz") if key in table.values]
        table.refuse(
            named[0],
            f"with {' and '.join(named[1:])} has {combined} combinations; allowed: {_MAX_SIZES} "
            "in a table",
        )
    if not table.trains_part:
        return _whole_networks(structures, targets, inputs, outputs)
    sizes = tuple(product(widths, targets))
    all_sizes = Table(("width", "target_nnz"), sizes)
    parts: list[Grid] = []
    left_out = 0
    for structure in structures:
        kept = tuple(
            (width, target)
            for width, target in sizes
            if target is None or target < structure.weights(inputs, outputs)
        )
        # Structures share one table if possible: there may be 100,000 of them.
        part = all_sizes if kept == sizes else Table(all_sizes.names, kept)
        masked = _masked(table, structure, inputs, outputs)
        parts.append(Product.of(part, masked))
        left_out += (len(sizes) - len(kept)) * masked.size
    return Chain(tuple(parts)), left_out


def _whole_networks(
    structures: Sequence[Structure], targets: Sequence[int | None], inputs: int, outputs: int
) -> tuple[Grid, int]:
    """Return the networks that pruning starts from, and the number of omitted combinations."""
    kept = tuple(
        (*structure.as_whole, target)
        for structure in structures
        for weights in (structure.weights(inputs, outputs),)
        for target in targets
        if target is None or target < weights
    )
    left_out = len(structures) * len(targets) - len(kept)
    if any(structure is not None for structure, _, _ in kept):
        return Table(("structure", "width", "target_nnz"), kept), left_out
    # The form of files that only have widths, which decides their digests.
    sizes = Table(("width", "target_nnz"), tuple((width, target) for _, width, target in kept))
    return Chain.of(Product.of(sizes, axis("structure", None))), left_out


def _masked(table: SweepTable, structure: Structure, inputs: int, outputs: int) -> Grid:
    """Return a structure with all of its masks in the table."""
    if table.mask_keys:
        # A layer without a key before one with a key is dense.
        named = structure.shapes(inputs, outputs)[: mask_layer(table.mask_keys[-1])]
        masks = [
            tuple(table.values.get(f"mask{number}", [dense_mask(*shape)]))
            for number, shape in enumerate(named, start=1)
        ]
        return MaskedStructure(structure, tuple(masks))
    choices = [
        _masks_of_kind(table, kind, structure, inputs)
        for kind in table.values.get("masks", ["dense"])
    ]
    return choices[0] if len(choices) == 1 else Chain(tuple(choices))


def _masks_of_kind(table: SweepTable, kind: str, structure: Structure, inputs: int) -> Grid:
    if kind == "dense":
        return MaskedStructure(structure, ())
    if kind == "all":
        shapes = [(rows, cols) for cols, rows in pairwise((inputs, *structure))]
        return MaskedStructure(structure, tuple(_all_masks(table, *shape) for shape in shapes))
    try:
        check_listed(structure, inputs)
    except ValueError as error:
        table.refuse("masks", f"cannot be 'distinct': {error}")
    return DistinctMasks(structure, inputs)


def _all_masks(table: SweepTable, rows: int, cols: int) -> AllMasks:
    try:
        # One of the counts tells; computing all of them can take a minute.
        too_many = count_masks(rows, cols, max(rows, cols, rows * cols // 2)) >= 2**63
    except ValueError as error:
        table.refuse("masks", f"cannot be 'all': {error}")
    if too_many:
        table.refuse(
            "masks",
            f"cannot be 'all': a layer with {rows} outputs and {cols} inputs has more than 2^63 "
            "masks; allowed: smaller layers, or mask1, mask2 and so on",
        )
    return AllMasks(rows, cols)
