"""Initialisations: from files, from the store, those of parents, and those of a search's best.

The paper's fixed groups start every network from the initialisation under which its search found
the best network (docs/paper.md, section 4). Without a file of the authors', it is that of the
store's own search: among the rows of phase2-95 (phase2-995) with at least 95 % (99.5 %) accuracy,
the smallest model_nnz, then the highest accuracy, then the lowest RUN_ID. The seed of that row is
enough to draw it again.

It is chosen once for a store, from all trainings of that study with the run's root seed. A choice
from only some of them could not be revised, because every row of the fixed groups depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.display.formatting import percent
from orchestrator.display.network_summary import COLUMNS, found_network
from orchestrator.errors import UserError, user_errors
from orchestrator.planning.plan import PlannedStudy, StoredRows
from orchestrator.run_store import RunStore
from search.catalogue import Selection
from search.datasets import dataset_named
from search.indices import IndexSet
from search.layers import StoredInit
from search.lineage import RowInit
from search.paper import paper_study
from search.parts import Shard
from search.study import Study
from storage.log.init_entries import FoundNetwork, FrozenInit, PublishedInit
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.reader import StoreReader
from storage.results_reader import ParentRow
from workers.initial import initial_network, starting_network
from workers.stored_init import layers_digest, load_stored_init


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

    The rows in `known`, by id, are not read again.

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


class InitSource(NamedTuple):
    """The study that an initialisation is chosen from, and the accuracy to reach."""

    study: str
    target: float


SEARCHES = {
    "bench-95": InitSource("phase2-95", 0.95),
    "bench-995": InitSource("phase2-995", 0.995),
}
"""Source of each stored initialisation that no file was given for, by its name."""


def searched_study(name: str, root_seed: int) -> Study:
    """Return the study that an initialisation is chosen from."""
    return paper_study(SEARCHES[name].study).with_root_seed(root_seed)


def require_searches(
    names: Iterable[str],
    selections: Sequence[Selection],
    store: StoredRows | None,
) -> None:
    """Raise a `UserError` unless every search will be complete when it is chosen from."""
    wanted = {selection.study.digest: selection.indices for selection in selections}
    problems = {}
    for name in names:
        study = searched_study(name, selections[0].study.base.root_seed)
        stored = IndexSet() if store is None else store.stored(study.digest)
        ours = wanted.get(study.digest, IndexSet())
        if len(stored | ours) < len(study):
            users = [s.study.name for s in selections if name in s.study.init_names]
            problems[name] = (
                f"{', '.join(users)}: the initialisation {name} is that of the best network of "
                f"{study.name}; the store has {len(stored):,} of its {len(study):,} trainings"
            )
    if problems:
        studies = " ".join(SEARCHES[name].study for name in problems)
        options = " and ".join(f"--{name} FILE" for name in problems)
        raise UserError(
            "a stored initialisation is chosen once, from a complete search:\n  "
            + "\n  ".join(problems.values())
            + f"\nrun that search first, or together with these (add the words {studies}), or "
            "start from the published results (--from-published), or give the initialisation "
            f"with {options} (a torch state dict of a width-16 network)"
        )


def refuse_choice(names: Iterable[str], selections: Sequence[Selection], shard: Shard) -> None:
    """Refuse to choose initialisations for one of several machines.

    Each machine would choose from the networks that it has trained, so the choices would differ.
    """
    lines = []
    for name in names:
        users = [s.study.name for s in selections if name in s.study.init_names]
        lines.append(
            f"{', '.join(users)}: train the search {SEARCHES[name].study} first, in shards if you "
            "like, and merge these into one store D (sparsest merge STORE... --into D); then let D "
            f"choose, once (sparsest run {users[0]} --limit 1 --store D), and start from a copy of "
            f"D on every machine. Or give the same file to all: --{name} FILE"
        )
    raise UserError(
        f"--shard {shard}: all shards have to start from one stored initialisation, and this store "
        "has none yet\n  " + "\n  ".join(lines)
    )


def find_init(name: str, root_seed: int, reader: StoreReader) -> tuple[StoredInit, FoundNetwork]:
    """Choose an initialisation, one of `SEARCHES`, in a store with all rows of its search.

    Returns:
        The initialisation, at full width, and the network that was trained from it.

    Raises:
        UserError: no network of the search reaches the accuracy.
    """
    source, study = SEARCHES[name], searched_study(name, root_seed)
    candidates = reader.sql(
        f"SELECT {COLUMNS} FROM results WHERE study = {sql_text(study.name)} "
        f"AND root_seed = {root_seed} AND accuracy >= {source.target} "
        "ORDER BY model_nnz, accuracy DESC, paper_run_id"
    ).to_pylist()
    # A row of another version of the training was drawn from another seed.
    ours = [
        row
        for row in candidates
        if row["study_index"] < len(study)
        and study[row["study_index"]].experiment_id == row["experiment_id"]
    ]
    if not ours:
        raise UserError(
            f"none of the {len(study):,} networks of {study.name} with the root seed {root_seed} "
            f"reaches {percent(source.target)}, so {name} cannot be taken from it: give it "
            f"with --{name} FILE (a torch state dict of a width-16 network)"
        )
    best = ours[0]
    layers = initial_network(study[best["study_index"]])
    network = found_network(best, target=source.target, reached=len(ours), trained=len(study))
    return StoredInit(name, layers_digest(layers), layers), network
