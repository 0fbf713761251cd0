"""What a search chooses after each of its phases, from what is stored, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from orchestrator.display.network_summary import COLUMNS, found_network, masks_text
from orchestrator.errors import UserError
from orchestrator.planning.targets import Targets
from search.experiment import Experiment
from search.paper_grids import INPUTS
from search.structure import Structure
from search.two_phases import (
    PAPER_PHASE_2,
    WIDER_PHASE_1,
    SearchSettings,
    phase_2_name,
    smallest_first,
)
from storage.log.init_entries import FoundNetwork
from storage.log.search_entries import SearchChoice
from storage.reading.reader import StoreReader


def choose_structures(
    settings: SearchSettings, targets: Targets, reader: StoreReader
) -> SearchChoice:
    """The smallest structures that reached the target in phase 1.

    The smallest by weights and biases; among equally large ones the one with fewer neurons in the
    first layer, then in the second.

    Args:
        settings: of the search.
        targets: of phase 1, all of them stored.
        reader: of the store.

    Raises:
        UserError: none reached it.
    """
    rows = [r for r in _best_of_structures(settings, targets, reader) if _fits(settings, r)]
    trained = sum(row["trained"] for row in rows)
    reaching = [row for row in rows if row["accuracy"] is not None and row["reached"]]
    if not reaching:
        highest = max((row["accuracy"] or 0.0 for row in rows), default=0.0)
        raise UserError(
            f"phase 1: none of {trained:,} dense networks reaches {100 * settings.target:g} %; the "
            f"highest accuracy is {highest:.4f}. Try a lower --target, a greater --max-width, more "
            "learning rates (--lr) or another --root-seed"
        )
    smallest = sorted(reaching, key=lambda row: smallest_first(Structure.parse(row["structure"])))
    networks = [
        found_network(row, target=settings.target, reached=row["reached"], trained=row["trained"])
        for row in smallest[: settings.structures]
    ]
    return _choice(settings, 1, trained, sum(row["reached"] for row in rows), networks)


def sparsest_network(
    settings: SearchSettings, structures: Sequence[Structure], reader: StoreReader
) -> SearchChoice:
    """The stored network of these structures with the fewest weights and biases at the target.

    Of all masks, whichever study trained them: the dense network and what the paper tried count.
    Among equally small ones the most accurate is taken.

    Args:
        settings: of the search.
        structures: of phase 2.
        reader: of the store; the dense networks for which phase 1 chose the structures are in it.
    """
    studies = ["phase1", WIDER_PHASE_1, *PAPER_PHASE_2.values(), *map(phase_2_name, structures)]
    names = ", ".join(_sql(str(structure)) for structure in structures)
    ours = f"{_common(settings, studies)} AND structure IN ({names})"
    (counts,) = reader.sql(
        "SELECT count(*) AS trained, "
        f"count(*) FILTER (accuracy >= {_sql(settings.target)}) AS reached "
        f"FROM results WHERE {ours}"
    ).to_pylist()
    best = reader.sql(
        f"SELECT {COLUMNS} FROM results WHERE {ours} "
        f"AND accuracy >= {_sql(settings.target)} "
        "ORDER BY model_nnz, accuracy DESC, study, study_index LIMIT 1"
    ).to_pylist()
    network = found_network(best[0], target=settings.target, **counts)
    return _choice(settings, 2, counts["trained"], counts["reached"], [network])


def structures_of(choice: SearchChoice) -> list[Structure]:
    """The structures that phase 1 chose."""
    return [Structure.parse(network.structure) for network in choice.networks]


def explain(choice: SearchChoice) -> list[str]:
    """A choice in words, a line a sentence."""
    target = choice.networks[0].target
    lines = [
        f"phase {choice.phase}: {choice.trained:,} networks trained, {choice.reached:,} reach "
        f"{100 * target:g} %"
    ]
    for network in choice.networks:
        if choice.phase == 1:
            parameters = Structure.parse(network.structure).parameters(INPUTS)
            lines.append(
                f"  {network.structure}, {parameters} weights and biases: {network.reached} of "
                f"{network.trained} reach it, the best with {network.accuracy:.4f} "
                f"({network.label})"
            )
        else:
            lines.append(
                f"  the sparsest: {network.label}, {network.structure}, {network.weight_nnz} "
                f"nonzero weights, {network.model_nnz} with biases, accuracy "
                f"{network.accuracy:.4f}, {masks_text(network)}"
            )
    return lines


def _best_of_structures(
    settings: SearchSettings, targets: Targets, reader: StoreReader
) -> list[dict[str, Any]]:
    """The most accurate row of each structure, with the numbers of rows trained and reaching."""
    ours = _common(settings, [selection.study.name for selection in targets.selections])
    rows: list[dict[str, Any]] = reader.sql(
        "SELECT *, count(*) OVER (PARTITION BY structure) AS trained, "
        f"count(*) FILTER (accuracy >= {_sql(settings.target)}) OVER (PARTITION BY structure) "
        f"AS reached FROM (SELECT {COLUMNS} FROM results WHERE {ours}) QUALIFY row_number() OVER "
        "(PARTITION BY structure ORDER BY accuracy DESC NULLS LAST, study, study_index) = 1"
    ).to_pylist()
    return rows


def _common(settings: SearchSettings, studies: Iterable[str]) -> str:
    """SQL condition: rows of these studies that a search with these settings would have trained.

    A user's own sweep file may have the name of one of the search's studies and other values.
    """
    paper = Experiment()
    fixed: dict[str, str | float] = {
        "method": paper.method,
        "dataset": paper.dataset,
        "init": paper.init,
        "batch_size": paper.batch_size,
        "epochs": paper.epochs,
        "momentum": paper.momentum,
        "weight_decay": paper.weight_decay,
        "replicate": paper.replicate,
        "root_seed": settings.root_seed,
    }
    return " AND ".join(
        [
            f"study IN ({', '.join(map(_sql, studies))})",
            f"lr IN ({', '.join(map(_sql, settings.lrs))})",
            f"schedule IN ({', '.join(map(_sql, settings.schedules))})",
            *(f"{column} = {_sql(value)}" for column, value in fixed.items()),
        ]
    )


def _sql(value: str | float) -> str:
    """A value of the project's own as an SQL literal; a decimal number would be no DOUBLE."""
    if isinstance(value, str):
        return f"'{value}'"
    return str(value) if isinstance(value, int) else f"{value!r}::DOUBLE"


def _fits(settings: SearchSettings, row: Mapping[str, Any]) -> bool:
    return max(Structure.parse(row["structure"])) <= settings.max_width


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
