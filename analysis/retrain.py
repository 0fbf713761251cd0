"""Training a stored row again, to have its network where its weights are not stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from search.experiment import FRESH_INIT
from search.layers import StoredInit
from search.specification import experiment_of
from storage.log.inits import FrozenInit
from storage.published.note import PublishedInit
from workers.other_arithmetic import train_as
from workers.stored_init import load_stored_init, remade_init

COMPARED = ("status", "accuracy", "loss", "weight_nnz", "model_nnz", "effective_nnz")
"""Columns that must come out the same, bit for bit on the same backend."""


class InitSource(Protocol):
    """What knows stored initialisations, as the readers do."""

    def init(self, token: str) -> FrozenInit | PublishedInit | None:
        """A stored initialisation, or where it can be had from, by its token."""


class WeightsNotStored(ValueError):  # noqa: N818 - the name says what is the case
    """The row has no weights: they were not published."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(
            f"the weights of experiment {row['experiment_id']} were not published. "
            f"store.network({row['experiment_id']!r}, retrain=True) trains it again, in "
            "milliseconds for a network of the search, and checks that it is the published one"
        )


class NotTheSame(ValueError):  # noqa: N818 - likewise
    """The row, trained again, came out otherwise."""


def was_left_out(row: Mapping[str, Any]) -> bool:
    """Whether a row had a network whose weights were not published."""
    return row["weights"] is None and row.get("status") in ("ok", "collapsed")


def retrained(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> dict[str, Any]:
    """The row with the network that its experiment gives when it is trained again here.

    Args:
        row: of the view `results`.
        reader: where it is from, for the stored initialisation that it may start from.
        init_file: the torch file of that initialisation, where it cannot be made again.

    Raises:
        ValueError: its initialisation is missing, or another version trained it.
        NotTheSame: it came out otherwise than the row says.
    """
    again = trained_again(row, reader, init_file)
    if any(again[name] != row[name] for name in COMPARED):
        raise NotTheSame(_difference(row, again))
    return {**row, **again}


def with_network(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> Mapping[str, Any]:
    """The row, trained again by `retrained` if its weights were not published."""
    return retrained(row, reader, init_file) if was_left_out(row) else row


def trained_again(
    row: Mapping[str, Any], reader: InitSource, init_file: Path | None = None
) -> dict[str, Any]:
    """What training a row's experiment gives here, whatever the row itself says came out.

    It is trained with the arithmetic that made the row, whichever processor this is.

    Args:
        row: as for `retrained`.
        reader: likewise.
        init_file: likewise.

    Returns:
        Column -> value of `workers.train.OUTCOME_SCHEMA`.

    Raises:
        ValueError: its initialisation is missing, or another version trained it.
    """
    experiment = experiment_of(row)
    if experiment.experiment_id != row["experiment_id"]:
        raise ValueError(
            f"what row {row['experiment_id']} says of its experiment is "
            f"{experiment.experiment_id} in this version: use the version that trained it"
        )
    inits: dict[str, StoredInit] = {}
    if row["init"] != FRESH_INIT:
        inits[row["init"]] = _init(row["init"], row["root_seed"], reader, init_file)
    again: dict[str, Any] = train_as(str(row["backend"]), [experiment], inits).to_pylist()[0]
    return again


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
        raise ValueError(f"the row starts from {token}; the one at hand is {init.token}")
    return init


def _difference(row: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    differing = ", ".join(
        f"{name} {again[name]} for {row[name]}" for name in COMPARED if again[name] != row[name]
    )
    return (
        f"experiment {row['experiment_id']}, made by {row['backend']}, comes out otherwise when "
        f"trained again by {again['backend']}: {differing}"
    )
