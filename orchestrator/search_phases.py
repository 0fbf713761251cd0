"""The two phases of a search: the experiments of each, and what is chosen from their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from orchestrator.display.formatting import percent
from orchestrator.display.network_summary import COLUMNS, found_network
from orchestrator.errors import UserError
from orchestrator.planning.targets import Targets, generated_study
from search.catalogue import Selection
from search.experiment import Experiment
from search.structure import Structure
from search.two_phases import (
    PAPER_PHASE_2,
    WIDER_PHASE_1,
    SearchSettings,
    other_phase_1,
    paper_phase_1,
    paper_phase_2,
    phase_2,
    phase_2_name,
    without_paper,
)
from storage.log.init_entries import FoundNetwork, SearchChoice
from storage.reading.literals import sql_text
from storage.reading.reader import StoreReader


def phase_1_targets(settings: SearchSettings) -> Targets:
    """Return the dense structures: those of the paper's phase1, and others."""
    text = other_phase_1(settings)
    paper = paper_phase_1(settings)
    selections = [] if paper is None else [paper]
    if text is not None:
        study = generated_study(text, WIDER_PHASE_1, settings.root_seed)
        selections.append(Selection.of_study(study))
    return [selection for selection in selections if selection.indices]


def phase_2_targets(settings: SearchSettings, structures: Sequence[Structure]) -> Targets:
    """Return the masks of some structures: those in the paper's studies, and others.

    A `UserError` if a structure has too many masks.
    """
    selections = []
    for structure in structures:
        text = phase_2(settings, structure)
        study = generated_study(text, phase_2_name(structure), settings.root_seed)
        paper = paper_phase_2(settings, structure)
        if paper is None:
            selections.append(Selection.of_study(study))
        else:
            selections += [paper, without_paper(study, structure, paper)]
    return [selection for selection in selections if selection.indices]


def choose_structures(
    settings: SearchSettings, targets: Targets, reader: StoreReader
) -> SearchChoice:
    """Return the smallest structures that reached the target in phase 1, or raise `UserError`.

    They are compared by weights and biases, then by the neurons of the first layer, and so on.
    """
    rows = [
        row
        for row in _best_of_structures(settings, targets, reader)
        if len(structure := Structure.parse(row["structure"])) == settings.depth
        and max(structure) <= settings.max_width
    ]
    trained = sum(row["trained"] for row in rows)
    reaching = [row for row in rows if row["accuracy"] is not None and row["reached"]]
    if not reaching:
        highest = max((row["accuracy"] or 0.0 for row in rows), default=0.0)
        raise UserError(
            f"phase 1: none of {trained:,} dense networks reaches {percent(settings.target)}; the "
            f"highest accuracy is {highest:.4f}. Try a lower --target, a greater --max-width, more "
            "learning rates (--lr), --replicates or another --root-seed"
        )
    smallest = sorted(
        reaching, key=lambda row: settings.smallest_first(Structure.parse(row["structure"]))
    )
    networks = [
        found_network(row, target=settings.target, reached=row["reached"], trained=row["trained"])
        for row in smallest[: settings.structures]
    ]
    return _choice(settings, 1, trained, sum(row["reached"] for row in rows), networks)


def sparsest_network(
    settings: SearchSettings, structures: Sequence[Structure], reader: StoreReader
) -> SearchChoice:
    """Return the network of these structures with the fewest weights and biases at the target.

    All masks count, whichever study trained them, including the dense network and the paper's.
    Among equally small networks, the most accurate is chosen. If there is none, a `UserError` says
    how near the most accurate one came.
    """
    studies = ["phase1", WIDER_PHASE_1, *PAPER_PHASE_2.values(), *map(phase_2_name, structures)]
    listed = ", ".join(map(str, structures))
    names = ", ".join(_sql(str(structure)) for structure in structures)
    condition = f"{_condition(settings, studies)} AND structure IN ({names})"
    (counts,) = reader.sql(
        "SELECT count(*) AS trained, "
        f"count(*) FILTER (accuracy >= {_sql(settings.target)}) AS reached, "
        f"max(accuracy) AS highest FROM results WHERE {condition}"
    ).to_pylist()
    highest = counts.pop("highest")
    if not counts["reached"]:
        raise UserError(
            f"phase 2: none of {counts['trained']:,} networks of {listed} reaches "
            f"{percent(settings.target)}; the highest accuracy is {highest or 0:.4f}. Try a lower "
            "--target, another --structure, more learning rates (--lr), --replicates or another "
            "--root-seed"
        )
    best = reader.sql(
        f"SELECT {COLUMNS} FROM results WHERE {condition} "
        f"AND accuracy >= {_sql(settings.target)} "
        "ORDER BY model_nnz, accuracy DESC, study, study_index LIMIT 1"
    ).to_pylist()
    network = found_network(best[0], target=settings.target, **counts)
    return _choice(settings, 2, counts["trained"], counts["reached"], [network])


def _best_of_structures(
    settings: SearchSettings, targets: Targets, reader: StoreReader
) -> list[dict[str, Any]]:
    """Return the most accurate row of each structure, with the numbers of rows."""
    condition = _condition(settings, [selection.study.name for selection in targets])
    rows: list[dict[str, Any]] = reader.sql(
        "SELECT *, count(*) OVER (PARTITION BY structure) AS trained, "
        f"count(*) FILTER (accuracy >= {_sql(settings.target)}) OVER (PARTITION BY structure) "
        f"AS reached FROM (SELECT {COLUMNS} FROM results WHERE {condition}) QUALIFY row_number() "
        "OVER (PARTITION BY structure ORDER BY accuracy DESC NULLS LAST, study, study_index) = 1"
    ).to_pylist()
    return rows


def _condition(settings: SearchSettings, studies: Iterable[str]) -> str:
    """Return an SQL condition for the rows of a search with these settings.

    The names of the studies are not enough: a user's sweep file may have the same name and other
    values.
    """
    paper = Experiment()
    fixed: Mapping[str, str | float] = {
        "method": paper.method,
        "dataset": settings.dataset,
        "init": paper.init,
        "batch_size": settings.batch_size,
        "epochs": settings.epochs,
        "momentum": paper.momentum,
        "weight_decay": paper.weight_decay,
        "root_seed": settings.root_seed,
    }
    return " AND ".join(
        [
            f"study IN ({', '.join(map(_sql, studies))})",
            f"lr IN ({', '.join(map(_sql, settings.lrs))})",
            f"schedule IN ({', '.join(map(_sql, settings.schedules))})",
            f"replicate < {settings.replicates}",
            "init_scheme IS NULL",
            *(f"{column} = {_sql(value)}" for column, value in fixed.items()),
        ]
    )


def _sql(value: str | float) -> str:
    """Return a value as an SQL literal; numbers are DOUBLE instead of DECIMAL."""
    if isinstance(value, str):
        return sql_text(value)
    return str(value) if isinstance(value, int) else f"{value!r}::DOUBLE"


def _choice(
    settings: SearchSettings,
    phase: Literal[1, 2],
    trained: int,
    reached: int,
    networks: list[FoundNetwork],
) -> SearchChoice:
    return SearchChoice(
        settings=settings.describe(phase),
        phase=phase,
        trained=trained,
        reached=reached,
        networks=networks,
        chosen=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
