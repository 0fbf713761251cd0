"""What a store says about the methods, as tables: for notebooks.

Only trainings from fresh initialisations count, as in the paper's comparison of the methods; those
from a stored one start from a network that the search has found.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.best_row import COMES_FIRST
from analysis.store import QueryResult, Store
from search.paper import TARGETS

_FRESH = "init = 'fresh' AND accuracy IS NOT NULL"


def sparsest_networks(store: Store, targets: Sequence[float] = TARGETS) -> QueryResult:
    """The sparsest network of every method at every accuracy, and how far the search is ahead.

    Args:
        store: as `open_store` and `open_published` give it.
        targets: accuracies, 0 to 1.

    Returns:
        The columns target, method, weight_nnz, model_nnz, accuracy, structure, width, networks
        (how many reach the accuracy), gap (weights more than the search's best; NULL where the
        search has none) and experiment_id, sparsest first. A method that does not reach an
        accuracy has no row for it.

    Raises:
        ValueError: no targets, or one that is not from 0 to 1.
    """
    values = ", ".join(f"({_accuracy(target)!r}::DOUBLE)" for target in targets)
    if not values:
        raise ValueError("no targets: name at least one accuracy from 0 to 1")
    return store.sql(
        f"""
        WITH best AS (
            SELECT target, method, weight_nnz, model_nnz, accuracy, structure, width,
                   count(*) OVER (PARTITION BY target, method) AS networks,
                   study, study_index, experiment_id
            FROM results JOIN (VALUES {values}) AS targets(target) ON accuracy >= target
            WHERE {_FRESH}
            QUALIFY row_number() OVER (PARTITION BY target, method ORDER BY {COMES_FIRST}) = 1
        )
        SELECT target, method, weight_nnz, model_nnz, accuracy, structure, width, networks,
               weight_nnz - max(weight_nnz) FILTER (method = 'search') OVER (PARTITION BY target)
                   AS gap,
               experiment_id
        FROM best
        ORDER BY target, weight_nnz, model_nnz, method
        """
    )


def pareto(store: Store) -> QueryResult:
    """For every method, the networks that no sparser one of it equals in accuracy.

    Args:
        store: as `open_store` and `open_published` give it.

    Returns:
        The columns method, weight_nnz, accuracy and experiment_id; a method's rows in ascending
        order of both.
    """
    return store.sql(
        f"""
        WITH best AS (
            SELECT method, weight_nnz, accuracy, experiment_id
            FROM results
            WHERE {_FRESH}
            QUALIFY row_number() OVER (
                PARTITION BY method, weight_nnz
                ORDER BY accuracy DESC, model_nnz, study, study_index, experiment_id) = 1
        )
        SELECT method, weight_nnz, accuracy, experiment_id
        FROM best
        QUALIFY accuracy > coalesce(max(accuracy) OVER (
            PARTITION BY method ORDER BY weight_nnz
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
        ORDER BY method, weight_nnz
        """
    )


def by_width(store: Store) -> QueryResult:
    """For every pruning algorithm and width of the network before it is pruned, how accurate it is.

    Args:
        store: as `open_store` and `open_published` give it.

    Returns:
        The columns method, width, trainings, median, best (accuracies) and fewest_95 (weight_nnz of
        the sparsest network at 95 %, NULL where none reaches it).
    """
    return store.sql(
        f"""
        SELECT method, width,
               count(*) AS trainings,
               median(accuracy) AS median,
               max(accuracy) AS best,
               min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95
        FROM results
        WHERE {_FRESH} AND target_nnz IS NOT NULL
        GROUP BY method, width
        ORDER BY method, width
        """
    )


def _accuracy(target: float) -> float:
    if not 0 <= target <= 1:
        raise ValueError(f"target {target!r} is no accuracy: 0 to 1 are allowed")
    return float(target)
