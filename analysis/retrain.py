"""Retraining of stored rows, to obtain networks whose weights are not stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from search.experiment import FRESH_INIT
from search.layers import StoredInit
from search.specification import experiment_of
from storage.log.init_entries import PublishedInit
from storage.log.inits import FrozenInit
from workers.other_arithmetic import train_as
from workers.stored_init import load_stored_init, remade_init

COMPARED = ("status", "accuracy", "loss", "weight_nnz", "model_nnz", "effective_nnz")
"""Columns that must be reproduced, bit for bit on the same backend."""


class InitSource(Protocol):
    """A source of stored initialisations, such as a reader."""

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """Return a stored initialisation, or how to recreate it, by its token."""


class WeightsNotStored(ValueError):  # noqa: N818 - states the condition
    """The row has no weights: they were not published."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(
            f"the weights of experiment {row['experiment_id']} were not published. "
            f"store.network({row['experiment_id']!r}, retrain=True) trains it again and checks "
            "that the result is the published one"
        )


class NotTheSame(ValueError):  # noqa: N818 - states the condition
    """Training the row again gave another result."""


def was_left_out(row: Mapping[str, Any]) -> bool:
    """Return whether a row had a network whose weights were not published."""
    return row["weights"] is None and row.get("status") in ("ok", "collapsed")


def retrained(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> dict[str, Any]:
    """Return the row with the network obtained by training its experiment again.

    Args:
        row: row of the view `results`.
        reader: reader of the row's store, for the stored initialisation it may start from.
        init_file: torch file of that initialisation, if it cannot be recreated.

    Raises:
        ValueError: the initialisation is missing, or another version trained the row.
        NotTheSame: the result differs from the row.
    """
    new = trained_again(row, reader, init_file)
    if any(new[name] != row[name] for name in COMPARED):
        raise NotTheSame(_difference(row, new))
    return {**row, **new}


def with_network(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> Mapping[str, Any]:
    """Return the row, retrained (see `retrained`) if its weights were not published."""
    return retrained(row, reader, init_file) if was_left_out(row) else row


def trained_again(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> dict[str, Any]:
    """Train a row's experiment here and return the outcome, without comparing it with the row.

    The arithmetic is that of the processor that made the row, whatever this processor is.

    Args:
        row: see `retrained`.
        reader: see `retrained`.
        init_file: see `retrained`.

    Returns:
        Column -> value of `workers.train.OUTCOME_SCHEMA`.

    Raises:
        ValueError: the initialisation is missing, or another version trained the row.
    """
    experiment = experiment_of(row)
    if experiment.experiment_id != row["experiment_id"]:
        raise ValueError(
            f"the experiment of row {row['experiment_id']} has the id {experiment.experiment_id} "
            "in this version: use the version that trained it"
        )
    inits: dict[str, StoredInit] = {}
    if row["init"] != FRESH_INIT:
        inits[row["init"]] = _init(row["init"], row["root_seed"], reader, init_file)
    new: dict[str, Any] = train_as(str(row["backend"]), [experiment], inits).to_pylist()[0]
    return new


def _init(token: str, root_seed: int, reader: InitSource, init_file: Path | None) -> StoredInit:
    name, _, digest = token.partition(":")
    known = reader.init(token)
    if isinstance(known, FrozenInit):
        return known
    if init_file is not None:
        init = load_stored_init(init_file, name)
    elif isinstance(known, PublishedInit) and known.found is not None:
        init = remade_init(name, known.found.label, root_seed)
    else:
        raise ValueError(
            f"the row starts from the initialisation {token}, which came from a file that is not "
            "published: name that file (init_file=..., or --init F)"
        )
    if init.digest != digest:
        raise ValueError(f"the row starts from {token}, not from {init.token}")
    return init


def _difference(row: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    differing = ", ".join(
        f"{name} {new[name]} instead of {row[name]}" for name in COMPARED if new[name] != row[name]
    )
    return (
        f"experiment {row['experiment_id']}, made by {row['backend']}, gives another result when "
        f"trained again by {new['backend']}: {differing}"
    )
