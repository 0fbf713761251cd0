"""What the keys of one table of a sweep file must satisfy together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from search.datasets import dataset_named
from search.experiment import FRESH_INIT
from search.masks.text import parse_mask
from search.methods import all_methods, method_named
from search.structure import Structure
from search.sweeps.keys import is_mask_key
from search.sweeps.problems import shown

STORED_INIT_WIDTH = 16
"""Width of the three hidden layers of every stored initialisation (docs/paper.md, section 4)."""

METHOD_KEYS = ("structure", "target_nnz", "masks")
"""Keys that only some methods use; "masks" stands for mask1, mask2 and so on too."""

_MAX_NUMBERED_WEIGHTS = 2**32 - 1
"""Results number the weights of a network with 32 bits."""

_MAX_CHECKED = 1_000_000
"""Pairs of a structure and a mask, which are checked one by one."""

Hyperparameters = tuple[tuple[str, int | float], ...]
"""As `Experiment.hyperparameters`."""


class RefusalError(Exception):
    """What is wrong with a sweep file: a sentence a problem, without the file's name."""


@dataclass(frozen=True)
class SweepTable:
    """A [grid] table together with [base] and the defaults.

    Attributes:
        name: of the table, for messages.
        values: a list of values for every key that is given or has a default.
        base_keys: those that stand in [base].
    """

    name: str
    values: Mapping[str, Sequence[Any]]
    base_keys: frozenset[str]

    @property
    def structures(self) -> Sequence[Structure | None]:
        """The structures, or None alone where the method starts from the whole network."""
        return self.values.get("structure", [None])

    @property
    def mask_keys(self) -> list[str]:
        """Those of mask1, mask2 and so on that are given, the first layer's first."""
        return sorted(filter(is_mask_key, self.values), key=mask_layer)

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raises the `RefusalError` for a key."""
        place = f"[base] with {self.name}" if key in self.base_keys else self.name
        raise RefusalError(f"{place}: {key} {problem}")


def mask_layer(key: str) -> int:
    """The layer, from 1, that one of mask1, mask2 and so on is for."""
    return int(key.removeprefix("mask"))


def check_table(table: SweepTable) -> int:
    """Checks all keys of a table against each other.

    Returns:
        Features of the table's data sets.

    Raises:
        RefusalError: with the key, what is wrong, and what is allowed.
    """
    _check_method_keys(table)
    _check_batches(table)
    inputs = {dataset_named(name).features for name in table.values["dataset"]}
    if len(inputs) > 1:
        table.refuse(
            "dataset",
            "names data sets with different numbers of inputs; allowed: one number a [[grid]]",
        )
    (features,) = inputs
    _check_widths(table, features)
    _check_masks(table, features)
    return features


def _check_method_keys(table: SweepTable) -> None:
    groups = {key: "masks" if is_mask_key(key) else key for key in table.values}
    for method in table.values["method"]:
        uses = method_named(method).keys
        for key, group in groups.items():
            if group in METHOD_KEYS and group not in uses:
                users = [repr(name) for name, other in all_methods().items() if group in other.keys]
                table.refuse(
                    key,
                    f"is not used by method {method!r}; allowed with: {', '.join(users) or 'none'} "
                    "(methods that use other keys go into a [[grid]] of their own)",
                )
        for key in ("structure", "target_nnz"):
            if key in uses and key not in groups:
                table.refuse(key, f"is missing: method {method!r} needs it")
    if "masks" in table.values and table.mask_keys:
        table.refuse("masks", f"and {table.mask_keys[0]} cannot stand together; allowed: either")
    if {"all", "distinct"} <= set(table.values.get("masks", ())):
        table.refuse("masks", "names 'all' and 'distinct', which is a part of it; allowed: either")


def _check_batches(table: SweepTable) -> None:
    for dataset in table.values["dataset"]:
        points = dataset_named(dataset).points
        for size in table.values["batch_size"]:
            if size > points:
                table.refuse(
                    "batch_size",
                    f"cannot be {size}: {dataset} has {points} points; allowed: 1 to {points}",
                )


def _check_widths(table: SweepTable, inputs: int) -> None:
    narrowest, widest = min(table.values["width"]), max(table.values["width"])
    stored = [init for init in table.values["init"] if init != FRESH_INIT]
    for structure in table.structures:
        depth = 3 if structure is None else len(structure)
        if structure is not None and max(structure) > narrowest:
            table.refuse(
                "structure",
                f"{structure} is wider than width {narrowest}; allowed: up to "
                f"{narrowest} neurons a layer, or a width from {max(structure)}",
            )
        if Structure.uniform(widest, depth).weights(inputs) > _MAX_NUMBERED_WEIGHTS:
            table.refuse(
                "width",
                f"cannot be {widest} with {depth} hidden layers; allowed: full networks of fewer "
                "than 2^32 weights",
            )
        if stored and (depth != 3 or widest > STORED_INIT_WIDTH):
            table.refuse(
                "init",
                f"{stored[0]} cannot start {depth} hidden layers of width {widest}; allowed: 3 of "
                f"width up to {STORED_INIT_WIDTH}",
            )


def _check_masks(table: SweepTable, inputs: int) -> None:
    names = table.mask_keys
    pairs = len(table.structures) * sum(len(table.values[name]) for name in names)
    if pairs > _MAX_CHECKED:
        table.refuse(names[0], f"and structure make {pairs} pairs; allowed: {_MAX_CHECKED} a table")
    for structure in table.structures:
        for name in names:
            if structure is not None:
                _check_layer(table, name, structure, inputs)


def _check_layer(table: SweepTable, name: str, structure: Structure, inputs: int) -> None:
    layer = mask_layer(name)
    if layer > len(structure):
        table.refuse(
            name,
            f"is beyond structure {structure}; allowed: mask1 to "
            f"mask{len(structure)}, the output layer is dense",
        )
    outputs, features = structure[layer - 1], (inputs, *structure)[layer - 1]
    for mask in table.values[name]:
        rows, cols = parse_mask(mask).shape
        if (rows, cols) != (outputs, features):
            table.refuse(
                name,
                f"{shown(mask)} does not fit structure {structure}: it has "
                f"{rows} rows and {cols} columns; allowed: {outputs} rows, one an output, "
                f"and {features} columns, one an input",
            )
