"""Which weights are kept, given a score for each: the rules of all algorithms in one place.

A rule sees the scores of all layers in one row. It ranks by thresholds, as the authors' code does,
so ties can keep more or fewer weights than the number asked for; only `highest` keeps exactly as
many. How many are asked for is the algorithms' matter. Every rule returns bool [N], True: kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32] | NDArray[np.float64]
"""[N], the weights of each layer's matrix row by row, the layers one behind the other."""

Kept = NDArray[np.bool_]


def strictly_above(scores: Scores, count: int) -> Kept:
    """The rule strict(m) of docs/paper.md, section 5: the m-th largest score is the threshold.

    quirk: what equals the threshold goes, so count - 1 weights are kept, and with ties fewer.

    Args:
        scores: the higher, the more important.
        count: m, up to N; below 1 nothing is kept.
    """
    if count < 1:
        return np.zeros(scores.shape, dtype=np.bool_)
    kept: Kept = scores > _largest(scores, count)
    return kept


def at_or_above(scores: Scores, count: int) -> Kept:
    """SNIP's rule: the count-th largest score is the threshold and is kept.

    A threshold of 0 therefore keeps all scores that are not negative, and one that is not a number
    keeps none. Arguments as `strictly_above`.
    """
    kept: Kept = scores >= _largest(scores, count)
    return kept


def below_highest(scores: Scores, count: int) -> Kept:
    """GraSP's rule: the count highest scores go, and what equals the smallest of these.

    Args:
        scores: the higher, the less important.
        count: from 0 to N; 0 keeps everything.
    """
    if count == 0:
        return np.ones(scores.shape, dtype=np.bool_)
    kept: Kept = scores < _largest(scores, count)
    return kept


def above_position(scores: Scores, position: int) -> Kept:
    """SynFlow's rule: the score at that position, in ascending order from 0, is the threshold.

    quirk: what equals the threshold goes, so position + 1 weights are pruned, and with ties more;
    but at position 0 nothing is.

    Args:
        scores: the higher, the more important.
        position: from 0 to N - 1.
    """
    if position == 0:
        return np.ones(scores.shape, dtype=np.bool_)
    kept: Kept = scores > np.partition(scores, position)[position]
    return kept


def highest(scores: Scores, count: int) -> Kept:
    """Exactly the count highest scores; among equal ones the first in the row.

    Args:
        scores: the higher, the more important; what is not a number comes last.
        count: from 0 to N.
    """
    kept = np.zeros(scores.shape, dtype=np.bool_)
    kept[np.argsort(-scores, kind="stable")[:count]] = True
    return kept


def by_layer(kept: Kept, shapes: Sequence[tuple[int, ...]]) -> list[NDArray[np.bool_]]:
    """Cuts a row over all weights into the layers' masks.

    Args:
        kept: bool [N].
        shapes: (n_out, n_in) of each layer, input side first.
    """
    bounds = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(kept, bounds), shapes, strict=True)]


def _largest(scores: Scores, count: int) -> np.floating[np.typing.NBitBase]:
    """The count-th largest score; what is not a number counts as larger than every number."""
    place = len(scores) - count
    threshold: np.floating[np.typing.NBitBase] = np.partition(scores, place)[place]
    return threshold
