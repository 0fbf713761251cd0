"""Tables that compare the methods of a store, for notebooks.

Only trainings from fresh initialisations count, as in the paper's comparison of the methods:
others start from a network that the search has found. A method with other hyperparameters than the
authors', or with another `init_scheme` than its own, is a separate method, the column `variant`.
Trainings with several root seeds are pooled, and `root_seeds` counts these seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.best_row import SPARSEST_FIRST
from analysis.selection import VARIANT, choose_dataset
from analysis.store import QueryResult, Store
from search.paper import TARGETS
from storage.reading.literals import sql_text


def sparsest_networks(
    store: Store, targets: Sequence[float] = TARGETS, *, dataset: str | None = None
) -> QueryResult:
    """Find the sparsest network of every method at every accuracy.

    A minimum depends on the number of trainings: compare methods only if theirs are similar.

    Args:
        store: store of `open_store` or `open_published`.
        targets: accuracies, 0 to 1.
        dataset: data set; None if the store has only one.

    Returns:
        The columns target, method, weight_nnz, model_nnz, accuracy, structure, width, networks
        (number that reach the accuracy), gap (weights more than the search's sparsest network;
        NULL if the search does not reach the accuracy), experiment_id, hyperparameters (NULL for
        the authors'), init_scheme (NULL for the method's own), variant (the method with these two),
        trainings and root_seeds (numbers for the variant on this data set), sparsest first. A
        variant that does not reach an accuracy has no row for it.

    Raises:
        ValueError: there are no targets, one is not between 0 and 1, or the store has several data
            sets and none is chosen.
    """
    values = ", ".join(f"({_accuracy(target)!r}::DOUBLE)" for target in targets)
    if not values:
        raise ValueError("no targets: name at least one accuracy from 0 to 1")
    return store.sql(
        f"""
        WITH trained AS (
            {_trained(store, dataset)}
        ), best AS (
            SELECT target, method, weight_nnz, model_nnz, accuracy, structure, width,
                   count(*) OVER (PARTITION BY target, variant) AS networks,
                   hyperparameters, init_scheme, variant, trainings, root_seeds, study, study_index,
                   experiment_id
            FROM trained JOIN (VALUES {values}) AS targets(target) ON accuracy >= target
            QUALIFY row_number() OVER (
                PARTITION BY target, variant ORDER BY {SPARSEST_FIRST}) = 1
        )
        SELECT target, method, weight_nnz, model_nnz, accuracy, structure, width, networks,
               weight_nnz - min(weight_nnz) FILTER (method = 'search') OVER (PARTITION BY target)
                   AS gap,
               experiment_id, hyperparameters, init_scheme, variant, trainings, root_seeds
        FROM best
        ORDER BY target, weight_nnz, model_nnz, method, variant
        """
    )


def pareto(store: Store, *, dataset: str | None = None) -> QueryResult:
    """Find each method's networks that are more accurate than every sparser one of the method.

    Args:
        store: store of `open_store` or `open_published`.
        dataset: data set; None if the store has only one.

    Returns:
        The columns method, weight_nnz, accuracy, experiment_id, hyperparameters, init_scheme,
        variant, trainings and root_seeds (see `sparsest_networks`); a method's rows ascend in both
        numbers.

    Raises:
        ValueError: the store has several data sets and none is chosen.
    """
    return store.sql(
        f"""
        WITH best AS (
            SELECT method, weight_nnz, accuracy, experiment_id, hyperparameters, init_scheme,
                   variant, trainings, root_seeds
            FROM ({_trained(store, dataset)})
            QUALIFY row_number() OVER (
                PARTITION BY variant, weight_nnz
                ORDER BY accuracy DESC, model_nnz, study, study_index, experiment_id) = 1
        )
        SELECT method, weight_nnz, accuracy, experiment_id, hyperparameters, init_scheme, variant,
               trainings, root_seeds
        FROM best
        QUALIFY accuracy > coalesce(max(accuracy) OVER (
            PARTITION BY variant ORDER BY weight_nnz
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
        ORDER BY variant, weight_nnz
        """
    )


def by_width(store: Store, *, dataset: str | None = None) -> QueryResult:
    """Summarise the accuracies of every pruning algorithm by the width that pruning starts from.

    Args:
        store: store of `open_store` or `open_published`.
        dataset: data set; None if the store has only one.

    Returns:
        The columns method, width, trainings, median and best (accuracies), fewest_95 (weight_nnz of
        the sparsest network at 95 %, NULL if none reaches it), hyperparameters, init_scheme,
        variant (see `sparsest_networks`), structure (NULL for three hidden layers of the width) and
        root_seeds (number of root seeds).

    Raises:
        ValueError: the store has several data sets and none is chosen.
    """
    return store.sql(
        f"""
        SELECT method, width,
               count(*) AS trainings,
               median(accuracy) AS median,
               max(accuracy) AS best,
               min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95,
               hyperparameters, init_scheme, variant, structure,
               count(DISTINCT root_seed) AS root_seeds
        FROM ({_trained(store, dataset)})
        WHERE method <> 'search'
        GROUP BY variant, method, hyperparameters, init_scheme, structure, width
        ORDER BY variant, structure NULLS FIRST, width
        """
    )


def _trained(store: Store, dataset: str | None) -> str:
    """Return the SQL of the rows that count, with the number of trainings and seeds of each."""
    chosen = choose_dataset(
        lambda query: store.sql(query).arrow(), dataset, option="dataset='NAME'"
    )
    return f"""
            SELECT *, {VARIANT} AS variant, count(*) OVER same_method AS trainings,
                   count(DISTINCT root_seed) OVER same_method AS root_seeds
            FROM results
            WHERE init = 'fresh' AND accuracy IS NOT NULL AND dataset = {sql_text(chosen)}
            WINDOW same_method AS (PARTITION BY variant)"""


def _accuracy(target: float) -> float:
    if not 0 <= target <= 1:
        raise ValueError(f"target {target!r} is not an accuracy: 0 to 1 are allowed")
    return float(target)
