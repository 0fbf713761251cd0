"""Selection rules: which weights are kept, given their scores.

A rule gets the scores of all layers in one vector and returns bool [N], True for kept weights. The
rules compare with a threshold, as the authors' code does, so with ties they keep more or fewer
weights than requested; only `highest` keeps exactly the requested number. Higher scores are more
important, except in `below_highest`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32] | NDArray[np.float64]
"""[N]: the weights of each layer's matrix row by row, input side first."""

Kept = NDArray[np.bool_]


def strictly_above(scores: Scores, count: int) -> Kept:
    """Keep scores above the m-th largest: the rule strict(m) of docs/paper.md, section 5.

    quirk: scores equal to the threshold are pruned, so count - 1 weights are kept, or fewer. The
    count, m, is up to N; below 1 nothing is kept.

    Example:
        >>> import numpy as np, sparsest
        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> sparsest.strictly_above(scores, 2).tolist()
        [True, False, False, False]
    """
    if count < 1:
        return np.zeros(scores.shape, dtype=np.bool_)
    kept: Kept = scores > _largest(scores, count)
    return kept


def at_or_above(scores: Scores, count: int) -> Kept:
    """Keep scores from the count-th largest up, count from 1 to N: SNIP's rule.

    A threshold of 0 therefore keeps all scores that are not negative, and NaN keeps none.

    Example:
        >>> import numpy as np, sparsest
        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> sparsest.at_or_above(scores, 2).tolist()
        [True, False, True, True]
    """
    kept: Kept = scores >= _largest(scores, count)
    return kept


def below_highest(scores: Scores, count: int) -> Kept:
    """Prune the count highest scores and those equal to the lowest of them: GraSP's rule.

    Higher scores are less important here. The count is from 0 to N; 0 keeps everything.

    Example:
        >>> import numpy as np, sparsest
        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> sparsest.below_highest(scores, 1).tolist()
        [False, True, True, True]
    """
    if count == 0:
        return np.ones(scores.shape, dtype=np.bool_)
    kept: Kept = scores < _largest(scores, count)
    return kept


def above_position(scores: Scores, position: int) -> Kept:
    """Keep scores above the one at a position, 0 to N - 1, in ascending order: SynFlow's rule.

    quirk: scores equal to the threshold are pruned, so position + 1 weights are pruned, or more;
    but at position 0 nothing is pruned.

    Example:
        >>> import numpy as np, sparsest
        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> sparsest.above_position(scores, 1).tolist()
        [True, False, False, False]
    """
    if position == 0:
        return np.ones(scores.shape, dtype=np.bool_)
    kept: Kept = scores > _in_order(scores, position)
    return kept


def highest(scores: Scores, count: int) -> Kept:
    """Keep exactly the count highest scores, 0 to N; among equal ones the first; NaN comes last.

    Example:
        >>> import numpy as np, sparsest
        >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
        >>> sparsest.highest(scores, 2).tolist()
        [True, False, True, False]
    """
    kept = np.zeros(scores.shape, dtype=np.bool_)
    kept[np.argsort(-scores, kind="stable")[:count]] = True
    return kept


def _largest(scores: Scores, count: int) -> np.floating[np.typing.NBitBase]:
    """Return the count-th largest score; NaN is larger than every number."""
    return _in_order(scores, len(scores) - count)


def _in_order(scores: Scores, position: int) -> np.floating[np.typing.NBitBase]:
    """Return the score at a position in ascending order.

    A full sort, because np.partition takes many times as long where most scores are equal, such as
    the zeros of pruned weights.
    """
    score: np.floating[np.typing.NBitBase] = np.sort(scores)[position]
    return score
