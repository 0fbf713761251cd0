"""An experiment: everything that decides a training, and the seeds derived from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

from search.settings import Value
from search.structure import Structure

ORDER_STREAMS = 64
"""Number of shared data orders; see `Experiment.order_stream`."""

TRAINING_VERSION = 1
"""Incremented whenever the same specification would train a different network than before."""

FRESH_INIT = "fresh"
"""Value of `Experiment.init` for an initialisation drawn from the experiment's seed."""

SCHEDULES = ("cosine", "step", "constant")
"""Names of the learning-rate schedules; `workers.step_schedule` computes them."""

InitScheme = Literal["torch", "kaiming", "xavier"]
"""Distribution of fresh weights; `workers.initial` draws them."""

OPTIONAL_FIELDS: dict[str, Any] = {
    "target_accuracy": None,
    "hyperparameters": (),
    "init_scheme": None,
    "pair": False,
}
"""Fields of `Experiment` that are part of ids and digests only where they differ from this
default. They were added later, and earlier ids must stay."""

# Reused, because json.dumps with these options creates an encoder in every call.
_SORTED_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Experiment:
    """A complete specification of one training; equal specifications are the same experiment.

    The defaults are the paper's values (docs/paper.md, sections 3 and 4).

    Attributes:
        study: name of the study. The paper trains some networks in several studies, such as the
            dense 3x3x3 in phase1 and phase2-95; these are independent trainings.
        method: "search" if the masks are listed, or the name of a pruning algorithm.
        dataset: name of the data set.
        width: neurons in each hidden layer of the full network, whose initialisation is drawn;
            for a pruning algorithm with a structure, the neurons of its widest layer.
        structure: neurons in each hidden layer. For "search" they are the first ones of a full
            network of `width`. A pruning algorithm starts from exactly this network, whose
            initialisation is drawn for it; None is three hidden layers of `width` neurons
            (`Structure.as_whole`).
        masks: masks of the first layers as text such as "10|01|11" (rows are outputs, columns are
            inputs); the other layers are dense.
        target_nnz: number of nonzero weights that a pruning algorithm aims at; None for "search",
            for methods without a budget, and with `target_accuracy`.
        target_accuracy: accuracy that a pruning algorithm keeps while it removes as many weights
            as it can; None if it does not aim at one.
        hyperparameters: settings of the algorithm that differ from its defaults, as (name, value)
            sorted by name; a value is a number or, of a setting with choices, a text.
        lr: learning rate of the first epoch.
        schedule: learning-rate schedule, one of `SCHEDULES`.
        momentum: momentum of SGD, without dampening or Nesterov.
        weight_decay: weight decay of SGD, on weights and biases.
        batch_size: points in a step; the last short batch of an epoch is dropped.
        epochs: epochs of one round of training.
        init: "fresh"; "NAME:DIGEST" of a stored initialisation; "row:ID" or "row:ID/final" for the
            initial or the trained weights of another row (`search.lineage.RowInit`).
        init_scheme: distribution of fresh weights if it is not `Method.init_scheme`, otherwise
            None; also None if `init` is not "fresh".
        replicate: number of the independent repetition, from 0.
        pair: whether all trainings of a study with the same data set, width, depth, initialisation
            and replicate have the same random numbers, whatever their method and settings.
        root_seed: seed of all random numbers of a sweep.

    Example:
        >>> import sparsest
        >>> first = sparsest.Experiment(method="snip", width=8, target_nnz=30)
        >>> second = sparsest.Experiment(method="snip", width=8, target_nnz=30, replicate=1)
        >>> first.experiment_id != second.experiment_id, first.seed("mine") != second.seed("mine")
        (True, True)
        >>> first.hidden
        (8, 8, 8)
    """

    study: str = "single"
    method: str = "search"
    dataset: str = "cubist-spiral"
    width: int = 16
    structure: tuple[int, ...] | None = None
    masks: tuple[str, ...] = ()
    target_nnz: int | None = None
    target_accuracy: float | None = None
    hyperparameters: tuple[tuple[str, Value], ...] = ()
    lr: float = 0.05
    schedule: str = "cosine"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 128
    epochs: int = 50
    init: str = FRESH_INIT
    init_scheme: InitScheme | None = None
    replicate: int = 0
    pair: bool = False
    root_seed: int = 0

    @property
    def hidden(self) -> Structure:
        """Neurons used in each hidden layer."""
        return (
            Structure.uniform(self.width) if self.structure is None else Structure(self.structure)
        )

    def with_structure(self, structure: Structure) -> Experiment:
        """Return the experiment with a structure, in a full network that is at least as wide."""
        width = max(self.width, *structure)
        return replace(self, structure=tuple(structure), width=width)

    def specification(self) -> dict[str, Any]:
        """Return the name and value of every field."""
        return {name: getattr(self, name) for name in _FIELDS}

    @cached_property
    def experiment_id(self) -> str:
        """Hash of the specification, 32 hexadecimal digits: BLAKE2b, 128 bits, of sorted JSON.

        `TRAINING_VERSION` is included. The schema version is not, so that a new column leaves ids
        unchanged. `OPTIONAL_FIELDS` are included where they differ from their defaults.
        """
        return self._digest(self.specification(), 16).hex()

    @cached_property
    def order_stream(self) -> int:
        """Number of the data order that this training uses.

        One of 64, chosen by the specification without the replicate, plus the replicate. Many
        trainings share a shuffle, but repetitions do not: from a stored initialisation they would
        otherwise be the same training. With `pair`, chosen by what pairs have in common.
        """
        spec = self._of_pair() if self.pair else self.specification()
        del spec["replicate"]
        return int.from_bytes(self._digest(spec, 8), "little") % ORDER_STREAMS + self.replicate

    @property
    def order_seed(self) -> int:
        """64-bit seed of the data order, shared by all experiments of a stream."""
        return _seed(f"{self.root_seed}/{self.dataset}/order/{self.order_stream}")

    def seed(self, stream: str) -> int:
        """Return the 64-bit seed of a named stream of random numbers, such as "init"."""
        source = self._digest(self._of_pair(), 16).hex() if self.pair else self.experiment_id
        return _seed(f"{source}/{stream}")

    def _of_pair(self) -> dict[str, Any]:
        """Return the part of the specification that decides the random numbers of pairs."""
        names = ("study", "dataset", "width", "init", "replicate", "pair", "root_seed")
        return {name: getattr(self, name) for name in names} | {"depth": len(self.hidden)}

    @staticmethod
    def _digest(spec: dict[str, object], size: int) -> bytes:
        versioned = without_defaults(spec) | {"training_version": TRAINING_VERSION}
        text = _SORTED_JSON.encode(versioned)
        return hashlib.blake2b(text.encode(), digest_size=size).digest()


def without_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification without the `OPTIONAL_FIELDS` that have their defaults."""
    return {
        name: value
        for name, value in spec.items()
        if name not in OPTIONAL_FIELDS or value != OPTIONAL_FIELDS[name]
    }


def experiment_ids(base: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return `Experiment.experiment_id` of many experiments, three times as fast.

    `base` has the value of every field of `Experiment`, and each of `updates` those that differ in
    one experiment. Experiments of several tables of a sweep file vary in different fields.
    """
    varying = sorted({name for update in updates for name in update})
    optional = without_defaults(base).keys() & OPTIONAL_FIELDS.keys()
    if optional or not OPTIONAL_FIELDS.keys().isdisjoint(varying):
        # Their JSON objects differ in their members, not only in the values.
        return [Experiment(**(dict(base) | dict(update))).experiment_id for update in updates]
    # The sorted JSON of all of them differs only in the values of the varying fields, which %s
    # inserts; every other "%" is doubled.
    spec = without_defaults(base) | {"training_version": TRAINING_VERSION}
    members = [
        f"{_SORTED_JSON.encode(name)}:"
        + ("%s" if name in varying else _SORTED_JSON.encode(spec[name]).replace("%", "%%"))
        for name in sorted(spec)
    ]
    template = "{" + ",".join(members) + "}"
    usual = {name: base[name] for name in varying}
    # By field, because 1 and 1.0 are equal keys; the values of one field have one type.
    written: dict[str, dict[Any, str]] = {name: {} for name in varying}
    ids = []
    for update in updates:
        texts = []
        for name in varying:
            value, known = update.get(name, usual[name]), written[name]
            text = known.get(value)
            if text is None:
                text = known[value] = _SORTED_JSON.encode(value)
            texts.append(text)
        line = (template % tuple(texts)).encode()
        ids.append(hashlib.blake2b(line, digest_size=16).hexdigest())
    return ids


_FIELDS = tuple(field.name for field in fields(Experiment))


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
