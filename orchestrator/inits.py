"""Initialisations: from files and from the store, one of each name, and those of parents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError, user_errors
from orchestrator.planning.plan import PlannedStudy
from orchestrator.run_store import RunStore
from search.datasets import dataset_named
from search.layers import StoredInit
from search.lineage import RowInit
from storage.log.init_entries import FrozenInit, PublishedInit
from storage.reading.literals import sql_tuple
from storage.results_reader import ParentRow
from workers.initial import starting_network
from workers.stored_init import load_stored_init


def read_inits(files: Mapping[str, Path | None]) -> dict[str, StoredInit]:
    """Return the initialisations of the files that the user names, or raise a `UserError`."""
    inits = {}
    for name, path in files.items():
        if path is None:
            continue
        try:
            with user_errors(f"--{name} "):
                inits[name] = load_stored_init(path, name)
        except OSError as error:
            raise UserError(f"--{name} {path} cannot be read: {error.strerror}") from error
    return inits


def combined(
    in_store: Mapping[str, FrozenInit], from_files: Mapping[str, StoredInit]
) -> dict[str, StoredInit]:
    """Return the initialisations of a store and of files, by name.

    Raises:
        UserError: a file has another initialisation than the store has under that name.
    """
    # Plain ones, because workers do not load `storage`.
    known = {name: StoredInit(name, init.digest, init.layers) for name, init in in_store.items()}
    for name, init in from_files.items():
        if name in known and known[name].digest != init.digest:
            raise UserError(
                f"this store's {name} is {known[name].digest}, that of the file is {init.digest}: "
                f"leave --{name} out to use the store's, or use another store"
            )
    return known | dict(from_files)


def parent_inits(
    planned: Sequence[PlannedStudy],
    store: RunStore,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, StoredInit]:
    """Return the networks of other rows that the remaining experiments start from, by token.

    Parents are rows of the same store, so that it can always make its rows again. A parent that was
    taken from the published results, without weights, is trained again.

    Args:
        planned: the experiments.
        store: the store.
        known: rows that need not be read again, by id.

    Raises:
        UserError: a parent is not stored or has no network, or an experiment does not fit it.
    """
    items = [item for item in planned if item.remaining and item.study.parents]
    if not items:
        return {}
    # Imported here: the trainers take seconds to import, and few sweeps have parents.
    from analysis.retrain import starting_weights

    parents = {parent.experiment_id for item in items for parent in item.study.parents}
    find_init = _find_init(parents, store, known or {})
    inits: dict[str, StoredInit] = {}
    for item in items:
        for index in item.remaining:
            experiment = item.study[index]
            if RowInit.parse(experiment.init) is None:
                continue
            with user_errors(f"{item.study.label(index)}: "):
                if experiment.init not in inits:
                    row = {"init": experiment.init, "root_seed": experiment.root_seed}
                    inits |= starting_weights(row, find_init, from_root=False)
                dataset = dataset_named(experiment.dataset)
                starting_network(experiment, inits, dataset.features, dataset.outputs)
    return inits


def _find_init(
    parents: Collection[str], store: RunStore, known: Mapping[str, Mapping[str, Any]]
) -> Callable[[str], FrozenInit | PublishedInit | ParentRow | None]:
    """Return a function that finds initialisations as a reader does.

    The rows of the parents that are not known are read with one query.
    """
    rows = {name: known[name] for name in parents if name in known}
    missing = [name for name in parents if name not in known]
    if missing and store.existing is not None:
        query = f"SELECT * FROM results WHERE experiment_id IN {sql_tuple(missing)}"
        rows |= {row["experiment_id"]: row for row in store.reader.sql(query).to_pylist()}

    def find(token: str) -> FrozenInit | PublishedInit | ParentRow | None:
        parent = RowInit.parse(token)
        if parent is not None and parent.experiment_id in rows:
            return ParentRow(rows[parent.experiment_id])
        return None if store.existing is None else store.reader.init(token)

    return find
