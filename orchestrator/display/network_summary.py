"""Description of a stored network from which an initialisation or a phase was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.display.formatting import counted, percent
from search.specification import label_of
from storage.log.init_entries import FoundNetwork, SearchChoice

COLUMNS = (
    "experiment_id, study, study_index, paper_group, paper_run_id, structure, masks, accuracy, "
    "weight_nnz, model_nnz, root_seed"
)
"""Columns of `results` that `found_network` needs."""


def found_network(
    row: Mapping[str, Any], *, target: float, reached: int, trained: int
) -> FoundNetwork:
    """Return the log entry of a network that was chosen among trained ones."""
    own = {name: row[name] for name in FoundNetwork.model_fields if name in row}
    counts = {"target": target, "reached": reached, "trained": trained}
    return FoundNetwork(**{**own, **counts, "label": label_of(row), "masks": row["masks"] or []})


def masks_text(network: FoundNetwork) -> str:
    """Return its masks, one word per layer."""
    return "masks " + " ".join(network.masks) if network.masks else "dense"


def init_origin(found: FoundNetwork | None) -> str:
    """Return where an initialisation comes from; None stands for a file of the user."""
    if found is None:
        return "from a file"
    return (
        f"from the best of {counted(found.trained, 'network')} of {found.study}: {found.label}, "
        f"{found.structure}, {masks_text(found)}, accuracy {found.accuracy:.4f}, "
        f"{found.model_nnz} nonzeros with biases ({found.weight_nnz} weights); "
        f"{found.reached:,} reach {percent(found.target)}"
    )


def describe_choice(choice: SearchChoice) -> list[str]:
    """Return a choice as lines for the user."""
    target = choice.networks[0].target
    lines = [
        f"phase {choice.phase}: {choice.trained:,} networks trained, {choice.reached:,} reach "
        f"{percent(target)}"
    ]
    for network in choice.networks:
        if choice.phase == 1:
            lines.append(
                f"  {network.structure}, {network.model_nnz} weights and biases: "
                f"{network.reached} of {network.trained} reach it, the best with "
                f"{network.accuracy:.4f} ({network.label})"
            )
        else:
            lines.append(
                f"  the sparsest: {network.label}, {network.structure}, {network.weight_nnz} "
                f"nonzero weights, {network.model_nnz} with biases, accuracy "
                f"{network.accuracy:.4f}, {masks_text(network)}"
            )
    return lines
