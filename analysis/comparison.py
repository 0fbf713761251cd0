"""Success probabilities of methods, and their comparison on pairs of trainings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from analysis.intervals import RESAMPLES
from analysis.selection import MASK_WEIGHTS, VARIANT, check_accuracy
from analysis.store import QueryResult, Results
from analysis.tables import dataset_literal
from search.intervals import LEVEL, Interval, clopper_pearson
from storage.reading.literals import sql_text

_SETTINGS = (
    "width",
    "structure",
    "target_nnz",
    "target_accuracy",
    "lr",
    "schedule",
    "momentum",
    "weight_decay",
    "batch_size",
    "epochs",
)
"""Columns whose values a number of these tables never mixes, beside the method."""

_MAX_LISTED = 4
"""Maximum number of values of a setting that a message lists."""

_OF_PAIR = ("study", "replicate", "root_seed", "init", "masks", *_SETTINGS)
"""Columns that are equal in both trainings of a pair."""


def success_rates(
    store: Results,
    target: float = 0.95,
    *,
    weights: int | None = None,
    dataset: str | None = None,
) -> QueryResult:
    """Estimate how likely one training is to reach an accuracy, for every method and setting.

    Unlike a minimum, the estimate does not depend on the number of trainings: more of them make its
    interval narrower.

    Args:
        store: store, or rows of `train`.
        target: accuracy, 0 to 1.
        weights: maximum number of nonzero weights of a success; None for any number.
        dataset: data set, needed if there are several.

    Returns:
        The columns method (with its hyperparameters), width, structure, target_nnz,
        target_accuracy, lr, schedule, momentum, weight_decay, batch_size, epochs, mask_weights
        (weights that listed masks keep; NULL without masks), trainings, reached, probability, low
        and high (the exact 95 % interval of Clopper and Pearson). Diverged trainings count as
        failures.

    Raises:
        ValueError: the target is not an accuracy, or the data set is not clear.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train("snip", width=4, target_nnz=[12, 20], seeds=3, epochs=1)
        >>> rates = sparsest.success_rates(rows, target=0.4).df()
        >>> rates[["method", "target_nnz", "trainings", "reached"]]
          method  target_nnz  trainings  reached
        0   snip          12          3        3
        1   snip          20          3        3
        >>> rates.low.round(3).tolist()
        [0.292, 0.292]
    """
    check_accuracy(target)
    fewer = "" if weights is None else f" AND weight_nnz <= {int(weights)}"
    columns = ", ".join(_SETTINGS)
    table = store.sql(
        f"""
        SELECT {VARIANT} AS method, {columns}, {MASK_WEIGHTS}::INTEGER AS mask_weights,
               count(*) AS trainings,
               count(*) FILTER (accuracy >= {target!r}{fewer}) AS reached
        FROM results
        WHERE init = 'fresh' AND status != 'failed' AND dataset = {dataset_literal(store, dataset)}
        GROUP BY ALL ORDER BY ALL
        """
    ).arrow()
    counts = zip(*(table[name].to_pylist() for name in ("reached", "trainings")), strict=True)
    intervals = [clopper_pearson(*count) for count in counts]
    for column, attribute in (("probability", "value"), ("low", "low"), ("high", "high")):
        values = [getattr(interval, attribute) for interval in intervals]
        table = table.append_column(column, pa.array(values, pa.float64()))
    return QueryResult(table)


def compare(
    store: Results,
    first: str,
    second: str,
    *,
    target: float = 0.95,
    dataset: str | None = None,
) -> QueryResult:
    """Compare two methods on pairs of trainings that had the same random numbers.

    Pairs are trained with `pair = true` in a sweep file, or `train(..., pair=True)`. The trainings
    of a pair differ by method and hyperparameters alone.

    Args:
        store: store, or rows of `train`.
        first: method, such as "gmp" or "gmp (events=100)".
        second: the other method.
        target: accuracy that counts as a success, 0 to 1.
        dataset: data set, needed if there are several.

    Returns:
        One row for each setting, with the columns width, structure, target_nnz, target_accuracy,
        lr, schedule, momentum, weight_decay, batch_size and epochs; pairs; only_first and
        only_second (pairs of which one alone reaches the target); difference, low and high (of the
        success probabilities, first minus second, with the 95 % interval of Agresti and Min);
        p_value (McNemar's exact test); accuracy_difference, accuracy_low and accuracy_high (mean
        difference of the pairs, with its 95 % bootstrap interval; NULL for fewer than two pairs).

    Raises:
        ValueError: there are no rows of a method, there are no pairs, the target is not an
            accuracy, or the data set is not clear.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train(
        ...     ["snip", "synflow"], width=4, target_nnz=16, seeds=4, epochs=1, pair=True
        ... )
        >>> sparsest.compare(rows, "snip", "synflow", target=0.5).df()[["target_nnz", "pairs"]]
           target_nnz  pairs
        0          16      4
    """
    check_accuracy(target)
    chosen = dataset_literal(store, dataset)
    matching = " AND ".join(f"one.{name} IS NOT DISTINCT FROM other.{name}" for name in _OF_PAIR)
    columns = ", ".join(f"one.{name}" for name in _SETTINGS)
    order = "one.study, one.replicate, one.root_seed"
    table = store.sql(
        f"""
        WITH rows AS (
            SELECT *, {VARIANT} AS variant FROM results
            WHERE pair AND dataset = {chosen} AND status != 'failed'
        )
        SELECT {columns}, list(one.accuracy ORDER BY {order}) AS first,
               list(other.accuracy ORDER BY {order}) AS second
        FROM rows AS one JOIN rows AS other ON {matching}
        WHERE one.variant = {sql_text(first)} AND other.variant = {sql_text(second)}
        GROUP BY ALL ORDER BY ALL
        """
    ).arrow()
    if not table.num_rows:
        raise ValueError(_without_pairs(store, chosen, first, second))
    measured = [
        _measured(np.array(row["first"], np.float64), np.array(row["second"], np.float64), target)
        for row in table.select(["first", "second"]).to_pylist()
    ]
    settings = table.drop_columns(["first", "second"])
    for name in measured[0]:
        settings = settings.append_column(name, pa.array([row[name] for row in measured]))
    return QueryResult(settings)


def _without_pairs(store: Results, dataset: str, first: str, second: str) -> str:
    """Return why there are no pairs of two methods on a data set, given as an SQL literal."""
    columns = ", ".join(
        f"list(DISTINCT coalesce({name}::VARCHAR, 'none')) FILTER (pair) AS {name}"
        for name in _OF_PAIR
    )
    table = store.sql(
        f"""
        SELECT {VARIANT} AS variant, {columns} FROM results
        WHERE dataset = {dataset} AND status != 'failed' GROUP BY ALL ORDER BY variant
        """
    ).arrow()
    methods = {row["variant"]: row for row in table.to_pylist()}
    for name in (first, second):
        if name not in methods:
            known = ", ".join(methods) or "none"
            return f"there are no rows of the method {name!r}; there are rows of {known}"
        if methods[name]["study"] is None:
            return f"no training of {name} is one of a pair: train both with `pair = true`"
    one, other = methods[first], methods[second]
    differing = [name for name in _OF_PAIR if set(one[name]).isdisjoint(other[name])]
    reason = "".join(
        f"; {name} differs: {_listed(one[name])} ({first}) and {_listed(other[name])} ({second})"
        for name in differing
    )
    return (
        f"there are no pairs of {first} and {second}: train both with `pair = true` and the "
        f"same other settings{reason}"
    )


def _listed(values: list[str]) -> str:
    """Return the first values of a setting as text."""
    shown = sorted(values)[:_MAX_LISTED]
    return ", ".join([*shown, *["..."] * (len(values) > _MAX_LISTED)])


def _measured(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], target: float) -> Any:
    """Return the numbers of `compare` for float64 [pairs], NaN where a training diverged."""
    from scipy.stats import binomtest, bootstrap  # slow to import

    with np.errstate(invalid="ignore"):
        reached, other = first >= target, second >= target
    only_first, only_second = int((reached & ~other).sum()), int((other & ~reached).sum())
    interval = matched_difference(only_first, only_second, len(first))
    discordant = only_first + only_second
    differences = (first - second)[np.isfinite(first - second)]
    low = high = float(differences[0]) if len(differences) > 1 else None
    if len(differences) > 1 and np.ptp(differences) > 0:
        method: dict[str, Any] = {"method": "percentile", "rng": np.random.default_rng(0)}
        method |= {"n_resamples": RESAMPLES, "confidence_level": LEVEL}
        low, high = map(float, bootstrap((differences,), np.mean, **method).confidence_interval)
    return {
        "pairs": len(first),
        "only_first": only_first,
        "only_second": only_second,
        "difference": interval.value,
        "low": interval.low,
        "high": interval.high,
        "p_value": float(binomtest(only_first, discordant).pvalue) if discordant else 1.0,
        "accuracy_difference": float(differences.mean()) if len(differences) else None,
        "accuracy_low": low,
        "accuracy_high": high,
    }


def matched_difference(only_first: int, only_second: int, pairs: int) -> Interval:
    """Return the difference of two success probabilities, measured on pairs, with its interval.

    Half an observation is added to each of the four outcomes of a pair, and the interval is that of
    the normal distribution. Source: A. Agresti and Y. Min, Simple improved confidence intervals for
    comparing matched proportions, Statistics in Medicine 24, 2005.
    """
    from scipy.stats import norm  # slow to import

    count, one, other = pairs + 2, only_first + 0.5, only_second + 0.5
    middle = (one - other) / count
    deviation = np.sqrt((one + other) / count - middle**2) / np.sqrt(count)
    reach = float(norm.ppf((1 + LEVEL) / 2) * deviation)
    return Interval(
        (only_first - only_second) / pairs, max(-1.0, middle - reach), min(1.0, middle + reach)
    )
