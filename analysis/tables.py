"""Tables that compare the methods of a store, for notebooks.

Only trainings from fresh initialisations count, as in the paper's comparison of the methods:
others start from a network that the search has found. The column `variant` separates the trainings
of a method with different hyperparameters, `init_scheme`, depth or number of epochs.
Trainings with several root seeds are pooled, and `root_seeds` counts these seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.selection import SPARSEST_FIRST, check_accuracy, choose_dataset, variant
from analysis.store import QueryResult, Results
from search.paper_sizes import TARGETS
from storage.reading.literals import sql_text


def sparsest_networks(
    store: Results,
    targets: Sequence[float] = TARGETS,
    *,
    target: float | None = None,
    dataset: str | None = None,
) -> QueryResult:
    """Find the sparsest network of every method at every accuracy.

    A minimum depends on the number of trainings: compare methods only if theirs are similar.

    Args:
        store: store, or rows of `train`.
        targets: accuracies, 0 to 1.
        target: one accuracy, instead of `targets`.
        dataset: data set, needed if the store has several.

    Returns:
        The columns target, method, weight_nnz, model_nnz, accuracy, structure, width, networks
        (number that reach the accuracy), gap (weights more than the search's sparsest network
        of that depth and length; NULL if the search does not reach the accuracy), experiment_id,
        hyperparameters (NULL for the authors'), init_scheme (NULL for the method's own), variant
        (the method with these two, and with depth and epochs if the rows have several), trainings
        and root_seeds (numbers for the variant on this data set), depth (hidden layers) and epochs,
        sparsest first. A variant that does not reach an accuracy has no row for it.

    Raises:
        ValueError: there are no targets, one is not from 0 to 1, or the data set is not clear.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("snip", width=4, target_nnz=[16, 20], epochs=1)
        >>> best = sparsest.sparsest_networks(rows, target=0.4).df()
        >>> best[["target", "method", "networks", "trainings"]]
           target method  networks  trainings
        0     0.4   snip         2          2
    """
    chosen = map(check_accuracy, targets if target is None else [target])
    values = ", ".join(f"({one!r}::DOUBLE)" for one in dict.fromkeys(chosen))
    if not values:
        raise ValueError("no targets: name at least one accuracy from 0 to 1")
    return store.sql(
        f"""
        WITH trained AS (
            {_trained(store, dataset)}
        ), best AS (
            SELECT *, count(*) OVER (PARTITION BY target, variant) AS networks
            FROM trained JOIN (VALUES {values}) AS targets(target) ON accuracy >= target
            QUALIFY row_number() OVER (
                PARTITION BY target, variant ORDER BY {SPARSEST_FIRST}) = 1
        )
        SELECT target, method, weight_nnz, model_nnz, accuracy, structure, width, networks,
               weight_nnz - min(weight_nnz) FILTER (method = 'search')
                   OVER (PARTITION BY target, depth, epochs) AS gap,
               experiment_id, hyperparameters, init_scheme, variant, trainings, root_seeds,
               depth, epochs
        FROM best
        ORDER BY target, weight_nnz, model_nnz, method, variant
        """
    )


def pareto(
    store: Results, *, target: float | None = None, dataset: str | None = None
) -> QueryResult:
    """Find each method's networks that are more accurate than every sparser one of the method.

    Args:
        store: store, or rows of `train`.
        target: accuracy from which networks are listed, 0 to 1; None for all.
        dataset: data set, needed if the store has several.

    Returns:
        The columns method, weight_nnz, accuracy, experiment_id, hyperparameters, init_scheme,
        variant, trainings, root_seeds, depth and epochs (see `sparsest_networks`); a variant's rows
        ascend in both numbers.

    Raises:
        ValueError: the target is not an accuracy, or the data set is not clear.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("snip", width=4, target_nnz=[12, 16, 20], epochs=1)
        >>> front = sparsest.pareto(rows, target=0.4).df()
        >>> front.accuracy.is_monotonic_increasing and front.weight_nnz.is_monotonic_increasing
        True
    """
    least = 0.0 if target is None else check_accuracy(target)
    return store.sql(
        f"""
        WITH best AS (
            FROM ({_trained(store, dataset)})
            QUALIFY row_number() OVER (
                PARTITION BY variant, weight_nnz
                ORDER BY accuracy DESC, model_nnz, study, study_index, experiment_id) = 1
        )
        SELECT method, weight_nnz, accuracy, experiment_id, hyperparameters, init_scheme, variant,
               trainings, root_seeds, depth, epochs
        FROM best
        WHERE accuracy >= {least!r}
        QUALIFY accuracy > coalesce(max(accuracy) OVER (
            PARTITION BY variant ORDER BY weight_nnz
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
        ORDER BY variant, weight_nnz
        """
    )


def by_width(store: Results, *, target: float = 0.95, dataset: str | None = None) -> QueryResult:
    """Summarise the accuracies of every pruning algorithm by the width that pruning starts from.

    Trainings with several learning rates are pooled; `success_rates` keeps them apart.

    Args:
        store: store, or rows of `train`.
        target: accuracy of the sparsest network, 0 to 1.
        dataset: data set, needed if the store has several.

    Returns:
        The columns method, width, trainings, median and best (accuracies), fewest_95 (weight_nnz of
        the sparsest network at 95 %, NULL if none reaches it; fewest_995 for 99.5 % and so on),
        hyperparameters, init_scheme, variant (see `sparsest_networks`), structure (NULL for three
        hidden layers of the width), root_seeds (number of root seeds), epochs, target_nnz and
        target_accuracy (of the pruning).

    Raises:
        ValueError: the target is not an accuracy, or the data set is not clear.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("snip", width=[4, 5], target_nnz=16, epochs=1)
        >>> sparsest.by_width(rows, target=0.9).df().columns[:6].tolist()
        ['method', 'width', 'trainings', 'median', 'best', 'fewest_90']
    """
    fewest = "fewest_" + f"{100 * check_accuracy(target):.10g}".replace(".", "")
    return store.sql(
        f"""
        SELECT method, width,
               count(*) AS trainings,
               median(accuracy) AS median,
               max(accuracy) AS best,
               min(weight_nnz) FILTER (accuracy >= {target!r}) AS {fewest},
               hyperparameters, init_scheme, variant, structure,
               count(DISTINCT root_seed) AS root_seeds, epochs, target_nnz, target_accuracy
        FROM ({_trained(store, dataset)})
        WHERE method <> 'search'
        GROUP BY ALL
        ORDER BY variant, structure NULLS FIRST, width, epochs, target_nnz, target_accuracy
        """
    )


def _trained(store: Results, dataset: str | None) -> str:
    """Return the SQL of the rows that count, with the number of trainings and seeds of each."""
    several = [
        f"CASE WHEN count(DISTINCT {name}) OVER () > 1 THEN '{name}=' || {name} END"
        for name in ("depth", "epochs")
    ]
    return f"""
            SELECT *, count(*) OVER same_method AS trainings,
                   count(DISTINCT root_seed) OVER same_method AS root_seeds
            FROM (
                SELECT *, len(layers) - 2 AS depth, {variant(*several)} AS variant FROM results
                WHERE init = 'fresh' AND accuracy IS NOT NULL
                  AND dataset = {dataset_literal(store, dataset)}
            )
            WINDOW same_method AS (PARTITION BY variant)"""


def dataset_literal(store: Results, dataset: str | None) -> str:
    """Return the SQL literal of the data set to use; for errors see `choose_dataset`."""
    return sql_text(
        choose_dataset(lambda query: store.sql(query).arrow(), dataset, option="dataset='NAME'")
    )
