"""Which training of the search a stored initialisation is the beginning of."""

from __future__ import annotations

from storage.reader import StoreReader
from workers.remade_init import remade_init

_SEARCHES = {"bench-95": ("phase2-95", 0.95), "bench-995": ("phase2-995", 0.995)}
"""Name of an initialisation -> the study in which it may have been found, and its accuracy."""

_CANDIDATES = 20
"""Best networks that are looked at: the first, unless a choice was made before a row was added."""


def origin_row(reader: StoreReader, token: str, root_seed: int) -> str | None:
    """GROUP:RUN_ID of the best network of the search that has these initial weights.

    The best networks are drawn again and compared by digest, so that the answer is never wrong.

    Args:
        reader: of a store.
        token: NAME:DIGEST of the initialisation.
        root_seed: of the search.

    Returns:
        None where no such network is found: the initialisation came from a file.
    """
    name, _, digest = token.partition(":")
    if name not in _SEARCHES:
        return None
    study, target = _SEARCHES[name]
    best = reader.sql(
        "SELECT paper_group || ':' || paper_run_id AS label FROM results "
        f"WHERE study = '{study}' AND root_seed = {root_seed} AND accuracy >= {target} "
        f"ORDER BY model_nnz, accuracy DESC, paper_run_id LIMIT {_CANDIDATES}"
    )
    for label in best.column("label").to_pylist():
        if remade_init(name, label, root_seed).digest == digest:
            return str(label)
    return None
