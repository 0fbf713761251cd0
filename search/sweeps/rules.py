"""Rules that the keys of one table of a sweep file satisfy together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NoReturn

from search.datasets import dataset_named
from search.experiment import FRESH_INIT
from search.lineage import RowInit
from search.masks.text import parse_mask
from search.method import TARGETS
from search.methods import all_methods, method_named
from search.settings import Value
from search.structure import DEFAULT_DEPTH, Structure
from search.sweeps.keys import is_mask_key
from search.sweeps.problems import shown

STORED_INIT_WIDTH = 16
"""Width of the three hidden layers of every stored initialisation (docs/paper.md, section 4)."""

STORED_INIT_ENDS = (2, 1)
"""Numbers of inputs and outputs of every stored initialisation."""

METHOD_KEYS = ("target_nnz", "target_accuracy", "masks")
"""Keys that only some methods use; "masks" includes mask1, mask2 and so on."""

SIZE_KEYS = ("structure", "depth", "width")
"""Keys of the sizes of networks."""

_MAX_NUMBERED_WEIGHTS = 2**32 - 1
"""Maximum number of weights: results have 32-bit indices of weights."""

_MAX_CHECKED = 1_000_000
"""Maximum number of pairs of a structure and a mask, which are checked one by one."""

Hyperparameters = tuple[tuple[str, Value], ...]
"""See `Experiment.hyperparameters`."""


class RefusalError(Exception):
    """The problems of a sweep file, one argument for each, without the file's name."""


@dataclass(frozen=True)
class SweepTable:
    """A [grid] table together with [base] and the defaults.

    Attributes:
        name: name of the table, for messages.
        values: list of values of every key that is in the file or has a default.
        base_keys: keys in [base].
    """

    name: str
    values: Mapping[str, Sequence[Any]]
    base_keys: frozenset[str]

    @property
    def trains_part(self) -> bool:
        """Whether experiments use a part of a full network; see `Method.trains_part`."""
        return method_named(self.values["method"][0]).trains_part

    @property
    def structures(self) -> Sequence[Structure]:
        """Hidden layers of the trained networks, or of the networks that pruning starts from."""
        if "structure" in self.values:
            return self.values["structure"]
        sizes = product(self.values.get("depth", [DEFAULT_DEPTH]), self.values["width"])
        return [Structure.uniform(width, depth) for depth, width in sizes]

    @property
    def mask_keys(self) -> list[str]:
        """The keys mask1, mask2 and so on of the table, by layer."""
        return sorted(filter(is_mask_key, self.values), key=mask_layer)

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise the `RefusalError` for a key."""
        table = f"[base] with {self.name}" if key in self.base_keys else self.name
        raise RefusalError(f"{table}: {key} {problem}")


def mask_layer(key: str) -> int:
    """Return the layer of mask1, mask2 and so on, from 1."""
    return int(key.removeprefix("mask"))


def check_table(table: SweepTable) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of networks for a table's data sets.

    A `RefusalError` with the key, the problem, and the allowed values if the keys contradict each
    other.
    """
    _check_method_keys(table)
    _check_size_keys(table)
    stored = [init for init in table.values["init"] if init != FRESH_INIT]
    if stored and any(table.values["init_scheme"]):
        table.refuse(
            "init_scheme",
            f"has no effect on the stored weights of {stored[0]}; allowed: init {FRESH_INIT!r}",
        )
    specs = [dataset_named(name) for name in table.values["dataset"]]
    for spec, size in product(specs, table.values["batch_size"]):
        if size > spec.points:
            table.refuse(
                "batch_size",
                f"cannot be {size}: {spec.name} has {spec.points} points; allowed: 1 to "
                f"{spec.points}",
            )
    ends = {(spec.features, spec.outputs) for spec in specs}
    if len(ends) > 1:
        table.refuse(
            "dataset",
            "has data sets with different numbers of features or outputs; allowed: one number of "
            "each in a [[grid]]",
        )
    ((inputs, outputs),) = ends
    _check_widths(table, inputs, outputs)
    _check_masks(table, inputs, outputs)
    return inputs, outputs


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
                    "(methods with different keys need different [[grid]] tables)",
                )
        if "structure" in uses and "structure" not in groups:
            table.refuse("structure", f"is missing: method {method!r} needs it")
        targets = sorted(uses & TARGETS, reverse=True)
        used = [key for key in targets if key in groups]
        if targets and not used:
            others = "".join(f" (or {key})" for key in targets[1:])
            table.refuse(targets[0], f"is missing: method {method!r} needs it{others}")
        if len(used) > 1:
            table.refuse(used[1], f"and {used[0]} exclude each other; allowed: one in a [[grid]]")
        if method_named(method).trains_part != table.trains_part:
            table.refuse(
                "method",
                f"has {table.values['method'][0]!r} and {method!r}, for which width means "
                "different things; allowed: different [[grid]] tables",
            )
    if "masks" in table.values and table.mask_keys:
        table.refuse("masks", f"and {table.mask_keys[0]} exclude each other; allowed: one of them")
    if {"all", "distinct"} <= set(table.values.get("masks", ())):
        table.refuse("masks", "has 'all' and 'distinct', which is a subset; allowed: one of them")


def _check_size_keys(table: SweepTable) -> None:
    """Check that the sizes of networks are given in one way.

    A method that trains a part needs `structure`, and `width` is that of the full network. Other
    methods start from `structure`, or from `depth` layers of `width`.
    """
    if table.trains_part and "depth" in table.values:
        table.refuse("depth", "is the number of layers of structure; allowed: structure alone")
    if not table.trains_part and "structure" in table.values:
        for key in ("width", "depth"):
            if key in table.values:
                table.refuse(
                    key, "and structure exclude each other; allowed: structure, or width and depth"
                )


def _check_widths(table: SweepTable, inputs: int, outputs: int) -> None:
    stored = [
        init for init in table.values["init"] if init != FRESH_INIT and RowInit.parse(init) is None
    ]
    if stored and (inputs, outputs) != STORED_INIT_ENDS:
        table.refuse(
            "init",
            f"{stored[0]} cannot start networks for {table.values['dataset'][0]}, which have "
            f"{inputs} inputs and {outputs} outputs; allowed: init {FRESH_INIT!r}, or data sets "
            "with 2 features and 2 classes",
        )
    key = "width" if "width" in table.values else "structure"
    for structure in table.structures:
        full = structure
        if table.trains_part:
            narrowest, widest = min(table.values["width"]), max(table.values["width"])
            if max(structure) > narrowest:
                table.refuse(
                    "structure",
                    f"{structure} is wider than width {narrowest}; allowed: up to "
                    f"{narrowest} neurons in a layer, or a width from {max(structure)}",
                )
            full = Structure.uniform(widest, len(structure))
        if full.weights(inputs, outputs) > _MAX_NUMBERED_WEIGHTS:
            value = full if key == "structure" else f"{max(full)} with {len(full)} hidden layers"
            table.refuse(
                key, f"cannot be {value}; allowed: full networks of fewer than 2^32 weights"
            )
        if stored and (len(full) != DEFAULT_DEPTH or max(full) > STORED_INIT_WIDTH):
            table.refuse(
                "init",
                f"{stored[0]} cannot start {len(full)} hidden layers of up to {max(full)} neurons; "
                f"allowed: {DEFAULT_DEPTH} of width up to {STORED_INIT_WIDTH}",
            )


def _check_masks(table: SweepTable, inputs: int, outputs: int) -> None:
    names = table.mask_keys
    pairs = len(table.structures) * sum(len(table.values[name]) for name in names)
    if pairs > _MAX_CHECKED:
        table.refuse(names[0], f"and structure have {pairs} pairs; allowed: {_MAX_CHECKED}")
    for structure in table.structures:
        for name in names:
            _check_layer(table, name, structure, structure.shapes(inputs, outputs))


def _check_layer(
    table: SweepTable, name: str, structure: Structure, shapes: Sequence[tuple[int, int]]
) -> None:
    layer = mask_layer(name)
    if layer > len(shapes):
        table.refuse(
            name,
            f"is beyond structure {structure}; allowed: mask1 to mask{len(shapes)}, that of the "
            "output layer",
        )
    n_out, n_in = shapes[layer - 1]
    for mask in table.values[name]:
        rows, cols = parse_mask(mask).shape
        if (rows, cols) != (n_out, n_in):
            table.refuse(
                name,
                f"{shown(mask)} does not fit structure {structure}: it has "
                f"{rows} rows and {cols} columns; allowed: {n_out} rows for the outputs "
                f"and {n_in} columns for the inputs",
            )
