"""Check a lower-bound certificate in integers, apart from its prover (docs/lower-bound.md)."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.bounds.zero_lines import Counts, Mask, grids, ways

Array = NDArray[Any]
FAR = 2**24  # a cut beyond every point; cuts are multiples of 1/64


def masks(weights: int, layers: Mask = (), width: int = 2) -> Iterator[Mask]:
    """Yield every live mask of at most this many weights, up to the order of its neurons."""
    if layers and width <= weights:
        yield layers
    for size in range(1, weights // 2 + 1):
        for rows in combinations_with_replacement(range(1, 1 << width), size):
            left = weights - sum(row.bit_count() for row in rows)
            used = all(any(row >> j & 1 for row in rows) for j in range(width))
            if left >= size and (used or not layers):
                yield from masks(left, (*layers, rows), size)


def check(certificate: Mapping[str, Any], points: Array, labels: Array) -> int:
    """Return the proven bound for points [N, 2] and labels [N]; ValueError if it is unproven."""
    needed, bound = int(certificate["lines"]), int(certificate["bound"])
    too_few = counting(certificate, points, labels)
    if not too_few((((needed - 1, 0, 0),),)):
        raise ValueError(f"the chords do not show that {needed} lines are needed")
    for mask in masks(bound - 1):
        orders = (grids(mask, *way) for way in ways(mask))
        if not any(all(n < needed or all(map(too_few, c)) for n, c in order) for order in orders):
            raise ValueError(f"mask {mask} is not shown to have too few lines")
    return bound


def counting(certificate: Mapping[str, Any], points: Array, labels: Array) -> Callable[..., bool]:
    """Return the test whether counts of lines are too few; ValueError for invalid chords."""
    errors = int((1 - Fraction(certificate["target"])) * len(points))
    parts, steps = int(certificate["parts"]), int(certificate["steps"])
    ones, zeros = np.array(certificate["chords"], dtype=np.int64).T
    weights = np.array(certificate["weights"], dtype=np.int64)
    ranges = [(int(a), int(b)) for a, b in certificate["ranges"]]
    borders = np.array([[a + (b - a) * i // parts for i in range(parts + 1)] for a, b in ranges])
    sizes, load = np.diff(borders), np.zeros((len(ranges), len(weights)), dtype=np.int64)
    np.add.at(load, np.concatenate([ones, zeros]), np.hstack([weights, weights]).T)
    ratios = [float(v).as_integer_ratio() for a, b in ranges for v in points[a:b].ravel()]
    x = np.array([(n << 40) // d for n, d in ratios], dtype=np.int64).reshape(-1, points.shape[1])
    conditions = (
        min(parts, steps, sizes.min()) >= 1 and (np.diff(borders.ravel()) >= 0).all(),
        borders[0, 0] >= 0 and borders[-1, -1] <= len(points),
        min(weights.min(), ones.min(), zeros.min()) >= 0,
        all((labels[slice(*ranges[i])] == 1).all() for i in ones.tolist()),
        all((labels[slice(*ranges[i])] == 0).all() for i in zeros.tolist()),
        int(np.abs(x).max()) * max(16, 4 * steps) < 2**62,
        int(weights.max()) * weights.shape[1] * parts < 2**31,
    )
    if not all(conditions):
        raise ValueError(f"the ranges, chords or weights do not meet the conditions: {conditions}")
    penalties = (-(-load.T // sizes.min(axis=1))).max(axis=1)
    to_cross = (weights.sum(axis=1) * parts - penalties * errors).tolist()
    p, q = ((side[:, None] * parts + np.arange(parts)).ravel() for side in (ones, zeros))
    starts = np.cumsum(sizes) - sizes.ravel()
    lowest, highest = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts) + 1
    pair_low, pair_high = np.minimum(lowest[p], lowest[q]), np.maximum(highest[p], highest[q])
    columns, cells_of_boxes = dict[Any, Array](), list[Any]()
    for k, *box in certificate["boxes"]:
        slabs = (
            zip([-FAR, *(a for a, _ in of)], [*(b for _, b in of), FAR], strict=True) for of in box
        )
        cells_of_boxes.append([(k, *cell) for cell in product(*slabs)])
        for _, (a, b), (c, d) in cells_of_boxes[-1]:
            near = (pair_high >= [a << 34, c << 34]) & (pair_low <= [b << 34, d << 34])
            columns[k, (a, b), (c, d)] = np.repeat(weights[k], parts) * near.all(axis=1)
    table = np.array([*columns.values()], dtype=np.int32).reshape(len(columns), len(p))
    most = np.zeros((3, len(columns)), dtype=np.int64)
    for axis, coordinates in enumerate((x, x[:, ::-1])):
        sides = [coordinates @ np.array([steps, t]) for t in range(-steps, steps + 1)]
        spans = [(np.minimum.reduceat(s, starts), np.maximum.reduceat(s, starts)) for s in sides]
        intervals: list[Any] = [(0, *ends) for ends in pairwise(spans)]
        for lines, (low1, high1), (low2, high2) in [*intervals, (1 + axis, *[spans[steps]] * 2)]:
            # Coordinates in units of 2^-40 are rounded down, by less than 1.
            low, high = np.minimum(low1, low2) - steps, np.maximum(high1, high2) + 2 * steps
            for left, right in ((low[q], high[p]), (low[p], high[q])):
                met = np.flatnonzero(left <= right)
                ended = np.repeat(np.array([0, 1], dtype=np.int32), len(met))
                order = np.lexsort((ended, np.concatenate([left[met], right[met]])))
                pairs, signs = np.tile(met, 2)[order], 1 - 2 * ended[order]
                total = np.cumsum(table.take(pairs, axis=1) * signs, axis=1, dtype=np.int32)
                most[lines] = np.maximum(most[lines], total.max(axis=1, initial=0))
    heaviest = dict(zip(columns, most.T.tolist(), strict=True))
    boxes = [
        (box, [heaviest[cell] for cell in cells], to_cross[k])
        for (k, *box), cells in zip(certificate["boxes"], cells_of_boxes, strict=True)
    ]
    cuts_of_axes = [sorted({-FAR, *of, FAR}) for of in certificate["cuts"]]

    @cache
    def too_few(counts: Counts) -> bool:
        kinks = len(counts) - 1, len(counts[0]) - 1
        alike = [box for box in boxes if (len(box[0][0]), len(box[0][1])) == kinks]
        cuts_of_kinks = cuts_of_axes[:1] * kinks[0] + cuts_of_axes[1:] * kinks[1]
        shape = [len(cuts) - 1 for cuts in cuts_of_kinks] if alike else [1]
        covered = np.full(shape, False)
        for (of_x, of_y), most_crossed, least in alike:
            if np.vdot(most_crossed, np.ravel(counts)) < least:
                within = zip(cuts_of_kinks, of_x + of_y, strict=True)
                spans = ((bisect_left(c, a), bisect_right(c, b) - 1) for c, (a, b) in within)
                covered[tuple(slice(a, max(0, b)) for a, b in spans)] = True
        places: Any = np.indices(covered.shape, sparse=True)
        for side in (places[: kinks[0]], places[kinks[0] : sum(kinks)]):
            for one, after in pairwise(side):
                covered |= one > after
        return bool(covered.all())

    return too_few
