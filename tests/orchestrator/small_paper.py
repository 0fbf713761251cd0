"""The paper's studies with so few experiments that a test can train all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

from orchestrator import inits as best_init
from search import paper
from search.experiment import SCHEDULES
from search.grid import Grid, Product, Table, axis
from search.paper_grids import ListedMasks
from search.structure import Structure


def _dense(structure: tuple[int, ...]) -> Grid:
    return Product(
        (axis("lr", 0.05, 0.1), axis("schedule", *SCHEDULES), axis("structure", structure))
    )


def _pruned(*targets: int) -> Grid:
    return Product(
        (axis("method", "snip"), Table(("width", "target_nnz"), tuple((3, t) for t in targets)))
    )


def _masked(lr: float) -> Grid:
    masks = ListedMasks("small", Structure((2, 1, 1))).grid()
    return Product((axis("lr", lr), axis("schedule", *SCHEDULES), masks))


GRIDS = {
    "overparam": _pruned(15, 16),
    "phase1": _dense((2, 2, 1)),
    "phase2-95": _masked(0.05),
    "phase2-995": _masked(0.1),
    "fixed95-prune": _pruned(15, 16),
    "fixed95-phase1": _dense((1, 2, 1)),
    "fixed95-phase2": _masked(0.05),
    "fixed995-prune": _pruned(15, 16),
    "fixed995-phase1": _dense((1, 1, 2)),
    "fixed995-phase2": _masked(0.1),
}
"""Grid of each study: 2 prunings, 6 dense networks or 12 masked ones."""


@contextmanager
def small_paper(target: float) -> Iterator[None]:
    """Replace the paper's studies by small ones, with the target `target` for both searches."""
    entries = {
        name: (group, description, partial(GRIDS.__getitem__, name))
        for name, (group, description, _) in paper._ENTRIES.items()
    }
    searches = {name: search._replace(target=target) for name, search in best_init.SEARCHES.items()}
    with (
        mock.patch.dict(paper._ENTRIES, entries),
        mock.patch.dict(best_init.SEARCHES, searches),
    ):
        paper.paper_study.cache_clear()
        try:
            yield
        finally:
            paper.paper_study.cache_clear()
