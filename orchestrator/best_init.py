"""The initialisation of the best network that the search in a store has found.

The paper's fixed groups start every network from the initialisation under which its search found
the best network (docs/paper.md, section 4). Without a file of the authors', it is that of the
store's own search: among the rows of phase2-95 (phase2-995) with at least 95 % (99.5 %) accuracy,
the smallest model_nnz, then the highest accuracy, then the lowest RUN_ID. The seed of that row is
enough to draw it again.

It is chosen once for a store, from all trainings of that study with the run's root seed. A choice
from only some of them could not be revised, because every row of the fixed groups depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orchestrator.display.network_summary import COLUMNS, found_network
from orchestrator.errors import UserError
from orchestrator.planning.plan import StoredRows
from search.catalogue import Selection
from search.indices import IndexSet
from search.layers import StoredInit
from search.paper import paper_study
from search.shards import Shard
from search.study import Study
from storage.log.init_entries import FoundNetwork
from storage.reading.literals import sql_text
from storage.reading.reader import StoreReader
from workers.initial import initial_network
from workers.stored_init import layers_digest


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

    A search without a network that reaches the accuracy is a `UserError`.

    Returns:
        The initialisation, at full width, and the network that was trained from it.
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
            f"reaches {100 * source.target:g} %, so {name} cannot be taken from it: give it "
            f"with --{name} FILE (a torch state dict of a width-16 network)"
        )
    best = ours[0]
    layers = initial_network(study[best["study_index"]])
    network = found_network(best, target=source.target, reached=len(ours), trained=len(study))
    return StoredInit(name, layers_digest(layers), layers), network
