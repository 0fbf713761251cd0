"""Check a lower-bound certificate in integers, apart from its prover (docs/lower-bound.md)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, permutations, product
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = tuple[tuple[int, ...], ...]  # rows of each hidden layer; bit j: a weight from neuron j
Value = tuple[Any, ...] | None  # (live?, direction, neuron, parents' values); None is zero
Cell = tuple[int, frozenset[tuple[Value, ...]]]  # maximum number of pieces; the possible ones


def check(certificate: Mapping[str, Any], points: NDArray[Any], labels: NDArray[Any]) -> int:
    """Return the proven bound for points [N, 2] and labels [N]; ValueError if it is unproven."""
    needed, bound = int(certificate["lines"]), int(certificate["bound"])
    if lines_needed(certificate, points, labels) < needed:
        raise ValueError(f"the chords do not show that {needed} lines are needed")
    listed = {tuple(map(tuple, mask)): lines for mask, lines in certificate["masks"]}
    if listed.keys() != set(masks(bound - 1)):
        raise ValueError(f"the masks are not those of at most {bound - 1} weights")
    for mask, lines in listed.items():
        if not most_lines(mask) <= lines < needed:
            raise ValueError(f"mask {mask} is not shown to have at most {lines} < {needed} lines")
    return bound


def lines_needed(certificate: Mapping[str, Any], points: NDArray[Any], labels: NDArray[Any]) -> int:
    """Return how many lines the target accuracy needs; ValueError for invalid ranges or chords."""
    errors = int((1 - Fraction(certificate["target"])) * len(points))
    parts, steps, penalty = (int(certificate[key]) for key in ("parts", "steps", "penalty"))
    ones, zeros, weights = np.array(certificate["chords"], dtype=np.int64).T
    ranges = [(int(a), int(b)) for a, b in certificate["ranges"]]
    cuts = np.array([[a + (b - a) * i // parts for i in range(parts + 1)] for a, b in ranges])
    sizes, load = np.diff(cuts), np.zeros(len(ranges), dtype=np.int64)
    np.add.at(load, np.concatenate([ones, zeros]), np.concatenate([weights, weights]))
    ratios = [float(v).as_integer_ratio() for a, b in ranges for v in points[a:b].ravel()]
    x = np.array([(n << 40) // d for n, d in ratios], dtype=np.int64).reshape(-1, points.shape[1])
    required = (
        min(parts, steps, sizes.min()) >= 1 and (np.diff(cuts.ravel()) >= 0).all(),
        cuts[0, 0] >= 0 and cuts[-1, -1] <= len(points),
        min(weights.min(), ones.min(), zeros.min(), penalty) >= 0 and weights.max() > 0,
        all((labels[slice(*ranges[i])] == 1).all() for i in set(ones.tolist())),
        all((labels[slice(*ranges[i])] == 0).all() for i in set(zeros.tolist())),
        (load[:, None] <= penalty * sizes).all(),
        max(int(np.abs(x).max()) * 2 * steps, int(weights.max()) * len(weights) * parts) < 2**62,
    )
    if not all(required):
        raise ValueError(f"the ranges or chords do not meet the conditions: {required}")
    p, q = ((side[:, None] * parts + np.arange(parts)).ravel() for side in (ones, zeros))
    starts, heaviest = np.cumsum(sizes) - sizes.ravel(), 0
    for coordinates in (x, x[:, ::-1]):
        sides = (coordinates @ np.array([steps, t]) for t in range(-steps, steps + 1))
        spans = ((np.minimum.reduceat(s, starts), np.maximum.reduceat(s, starts)) for s in sides)
        for (low, high), (low2, high2) in pairwise(spans):
            # Coordinates in units of 2^-40 are rounded down, by less than 1.
            low, high = np.minimum(low, low2) - steps, np.maximum(high, high2) + 2 * steps
            for left, right in ((low[q], high[p]), (low[p], high[q])):
                heaviest = max(heaviest, most_overlap(left, right, np.repeat(weights, parts)))
    return -((penalty * errors - int(weights.sum()) * parts) // heaviest)


def most_overlap(left: NDArray[Any], right: NDArray[Any], weights: NDArray[Any]) -> int:
    """Return the maximum total weight of closed intervals with a common point."""
    met = left <= right
    order = np.lexsort((np.repeat([0, 1], met.sum()), np.concatenate([left[met], right[met]])))
    return int(np.cumsum(np.concatenate([weights[met], -weights[met]])[order]).max(initial=0))


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


def most_lines(mask: Mask) -> int:
    """Return an upper bound of the number of zero lines of a network with this mask."""
    bounds = []
    general = [((i, False), (i, True)) for i, row in enumerate(mask[0]) if row == 3]
    others = [frozenset(states) for states in product(*general)]
    for second in (*mask[1:2], ()):  # with and without splitting cells at chained neurons
        sides = [sequences(mask[0], second, axis) for axis in (1, 2)]
        cells, most = dict[Any, Cell](), 0
        for grid in product(*sides):
            for key in {*product(*grid, others)} - cells.keys():
                states = dict(state for part in key for state in part)
                names = [row if row < 3 else -i for i, row in enumerate(mask[0])]
                values = [(True, d, i) if states[i] else None for i, d in enumerate(names)]
                cells[key] = pieces(mask, 1, tuple(values), states)
            most = max(most, together([cells[key] for key in product(*grid, others)])[0])
        bounds.append(most)
    return min(bounds)


def sequences(rows: Sequence[int], second: Sequence[int], axis: int) -> set[frozenset[Any]]:
    """Return the sets of states between the kinks along an axis, one set for each order."""
    first = [i for i, row in enumerate(rows) if row == axis]
    chain = {~i: v for i, row in enumerate(second) for v in first if row == 1 << v}
    items, found = [*first, *chain], set()
    for order, start in product(permutations(items), product((False, True), repeat=len(items))):
        states = [dict(zip(items, start, strict=True))]
        for item in order:
            states.append({**states[-1], item: not states[-1][item]})
        if all(states[n][chain[item]] for n, item in enumerate(order) if item in chain):
            found.add(frozenset(frozenset(state.items()) for state in states))
    return found


def pieces(mask: Mask, level: int, values: tuple[Value, ...], states: Mapping[int, bool]) -> Cell:
    """Return the non-constant pieces of a region where hidden layer `level` has these values."""
    if level == len(mask):
        live = any(value and value[0] for value in values)
        return int(live), frozenset([values] if live else [])
    options: list[list[Value]] = []
    variables: list[Any] = []  # direction of each neuron that may be live
    cuts: Counter[Any] = Counter()  # direction -> number of neurons whose kinks may cut the region
    for i, row in enumerate(mask[level]):
        parents = tuple(value for j, value in enumerate(values) if row >> j & 1)
        found = {value[1] for value in parents if value and value[0]}
        state = states.get(~i) if level == 1 else None
        if not found:
            options.append([None if state is False else (False, None, i, parents)])
            continue
        direction = found.pop() if len(found) == 1 else (level, i, parents)
        on: Value = (True, direction, i, parents)
        options.append([on, None] if state is None else [on if state else None])
        cuts[direction] += state is None
        variables += [direction] * (state is not False)
    inside = [pieces(mask, level + 1, chosen, states) for chosen in product(*options)]
    regions = 1 + cuts.total() + comb(cuts.total(), 2) - sum(comb(n, 2) for n in cuts.values())
    count, every = together(inside, regions)
    if level + 1 == len(mask) and len(variables) <= 2 and len(set(variables)) == 1:
        count = min(count, len(variables))  # zeros of a sum of at most two ramps of one variable
    return count, every


def together(cells: Sequence[Cell], regions: int | None = None) -> Cell:
    """Return the pieces of cells together, of which at most this many exist [default: all]."""
    every = frozenset[tuple[Value, ...]]().union(*(possible for _, possible in cells))
    return min(sum(sorted((n for n, _ in cells), reverse=True)[:regions]), len(every)), every
