"""The initialisation of the best network that a store's own search found.

The paper's fixed groups start every network from the initialisation under which the search found
its best network (docs/paper.md, section 4). Whoever has no file of the authors' takes that of their
own search: among the rows of phase2-95 (phase2-995) at or above 95 % (99.5 %) the smallest
model_nnz, then the highest accuracy, then the lowest RUN_ID. The seed of that row is enough to draw
it again.

It is chosen once a store, from all trainings of that study and the run's root seed: a choice among
a part of them would be kept for good, and every row of the fixed groups would hang on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.display.network_summary import COLUMNS, found_network
from orchestrator.errors import UserError
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


@dataclass(frozen=True)
class Search:
    """Where an initialisation is looked for.

    Attributes:
        study: name of the study.
        target: accuracy that its network must reach.
    """

    study: str
    target: float


SEARCHES = {"bench-95": Search("phase2-95", 0.95), "bench-995": Search("phase2-995", 0.995)}
"""Name of a stored initialisation -> where its default comes from."""


class StoredRows(Protocol):
    """What is asked of a store before the choice."""

    def stored(self, study_digest: str) -> IndexSet:
        """Indices of a study whose rows are stored."""


def searched_study(name: str, root_seed: int) -> Study:
    """The study in which the initialisation of a name is looked for."""
    return paper_study(SEARCHES[name].study).with_root_seed(root_seed)


def require_searches(
    names: Iterable[str],
    selections: Sequence[Selection],
    store: StoredRows | None,
    root_seed: int,
) -> None:
    """Refuses to choose from a search that is stored in part, and not finished by this run.

    Args:
        names: initialisations that are needed and that nobody has given.
        selections: what this run trains.
        store: where rows may be stored already; None for an empty store.
        root_seed: of the run.

    Raises:
        UserError: what is missing, and the ways to go on.
    """
    wanted = {selection.study.digest: selection.indices for selection in selections}
    problems = {}
    for name in names:
        study = searched_study(name, root_seed)
        stored = IndexSet() if store is None else store.stored(study.digest)
        ours = wanted.get(study.digest, IndexSet())
        if len(stored | ours) < len(study):
            users = [s.study.name for s in selections if name in s.study.init_names]
            problems[name] = (
                f"{', '.join(users)}: the initialisation {name} is that of the best network of "
                f"{study.name}, of whose {len(study):,} trainings the store has {len(stored):,}"
            )
    if problems:
        studies = " ".join(SEARCHES[name].study for name in problems)
        options = " and ".join(f"--{name} FILE" for name in problems)
        raise UserError(
            "a stored initialisation is chosen once, from a complete search:\n  "
            + "\n  ".join(problems.values())
            + f"\nrun that search first, or together with these (add the words {studies}), or "
            "begin with the published results (--from-published), or hand an initialisation in "
            f"with {options} (a torch state dict of a width-16 network)"
        )


def refuse_choice(names: Iterable[str], selections: Sequence[Selection], shard: Shard) -> None:
    """Refuses to choose initialisations for a part of a whole that several machines train.

    Each machine would choose by itself: from what it has trained, or not at all.

    Args:
        names: initialisations that are needed and that nobody has given.
        selections: what this run trains.
        shard: which part that is.

    Raises:
        UserError: which studies, and the ways to go on.
    """
    lines = []
    for name in names:
        users = [s.study.name for s in selections if name in s.study.init_names]
        lines.append(
            f"{', '.join(users)}: train the search {SEARCHES[name].study} first, in shards too if "
            f"you like, and merge these into one store D (sparsest merge STORE... --into D); then "
            f"let D choose, once (sparsest run {users[0]} --limit 1 --store D), and begin with a "
            f"copy of D on every machine. Or hand in the same file everywhere: --{name} FILE"
        )
    raise UserError(
        f"--shard {shard}: all shards have to start from one stored initialisation, and this store "
        "has none yet\n  " + "\n  ".join(lines)
    )


def find_init(name: str, root_seed: int, reader: StoreReader) -> tuple[StoredInit, FoundNetwork]:
    """The initialisation of the best network of the study that belongs to a name.

    Args:
        name: one of `SEARCHES`.
        root_seed: of the study.
        reader: of a store that has all rows of the study.

    Returns:
        The initialisation, at full width, and the network that it was found with.

    Raises:
        UserError: no network of the study reaches the accuracy.
    """
    search, study = SEARCHES[name], searched_study(name, root_seed)
    candidates = reader.sql(
        f"SELECT {COLUMNS} FROM results WHERE study = {sql_text(study.name)} "
        f"AND root_seed = {root_seed} AND accuracy >= {search.target} "
        "ORDER BY model_nnz, accuracy DESC, paper_run_id"
    ).to_pylist()
    # A row of another version of the training was drawn from another seed.
    ours = [row for row in candidates if _is_of(study, row)]
    if not ours:
        raise UserError(
            f"none of the {len(study):,} networks of {study.name} with the root seed {root_seed} "
            f"reaches {100 * search.target:g} %, so that there is no best one whose "
            f"initialisation could be {name}: hand one in with --{name} FILE (a torch state dict "
            "of a width-16 network)"
        )
    best = ours[0]
    layers = initial_network(study[best["study_index"]])
    found = found_network(best, target=search.target, reached=len(ours), trained=len(study))
    return StoredInit(name, layers_digest(layers), layers), found


def _is_of(study: Study, row: Mapping[str, object]) -> bool:
    index = row["study_index"]
    return (
        isinstance(index, int)
        and index < len(study)
        and study[index].experiment_id == row["experiment_id"]
    )
