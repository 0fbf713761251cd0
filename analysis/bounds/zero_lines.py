"""Count the zero lines that a mask allows, for the checker (docs/lower-bound.md)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, pairwise, permutations, product
from math import comb
from typing import Any

Mask = tuple[tuple[int, ...], ...]  # rows of each hidden layer; bit j: a weight from neuron j
Value = tuple[Any, ...] | None  # (live?, direction, neuron, parents' values); None is zero
Cell = tuple[int, frozenset[tuple[Value, ...]]]  # maximum number of pieces; the possible ones
Lines = tuple[int, ...]  # numbers of lines: of any direction, at constant x, at constant y
Counts = tuple[tuple[Lines, ...], ...]  # maximum numbers of zero lines in each cell of a grid


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
    return min(max(total for total, _ in grids(mask, *way)) for way in ways(mask))


def ways(mask: Mask) -> Iterator[tuple[Sequence[int], int, int]]:
    """Yield the ways to count: second-layer rows for more kinks, and the kept kink per axis."""
    kept = (range(max(1, mask[0].count(row))) for row in (1, 2))
    yield from product(((), *mask[1:2]), *kept)


def grids(mask: Mask, second: Sequence[int], *kept: int) -> Iterator[tuple[int, Iterator[Counts]]]:
    """Yield the maximum numbers of zero lines, in all and by cell, for each order of the kinks."""
    general = [((i, False), (i, True)) for i, row in enumerate(mask[0]) if row == 3]
    others = [frozenset(states) for states in product(*general)]
    names = [row if row < 3 else -i for i, row in enumerate(mask[0])]
    parts, cells = dict[Any, Cell](), dict[Any, Any]()
    sides = (sequences(mask[0], second, axis, kept[axis - 1]) for axis in (1, 2))
    for columns, rows in product(*sides):
        for cell in {*product(columns, rows)} - cells.keys():
            keys = [*product(*cell, others)]
            for key in {*keys} - parts.keys():
                states = dict(state for part in key for state in part)
                values = [(True, d, i) if states[i] else None for i, d in enumerate(names)]
                parts[key] = pieces(mask, 1, tuple(values), states)
            cells[cell] = [parts[key] for key in keys]
        grid = [cells[cell] for cell in product(columns, rows)]
        total, _ = together([part for cell in grid for part in cell])
        yield total, by_cell(grid, len(rows))


def by_cell(grid: Sequence[Sequence[Cell]], rows: int) -> Iterator[Counts]:
    """Yield every way in which the zero lines of each cell's pieces may be most."""
    for counts in product(*(by_direction(*together(parts)) for parts in grid)):
        yield tuple(counts[start : start + rows] for start in range(0, len(counts), rows))


def sequences(
    rows: Sequence[int], second: Sequence[int], axis: int, kept: int
) -> set[tuple[Any, ...]]:
    """Return the sets of states before and after the kept kink, for each order of the kinks."""
    first = [i for i, row in enumerate(rows) if row == axis]
    chain = {~i: v for i, row in enumerate(second) for v in first if row == 1 << v}
    items, found = [*first, *chain], set()
    for order, start in product(permutations(items), product((False, True), repeat=len(items))):
        states = [dict(zip(items, start, strict=True))]
        for item in order:
            states.append({**states[-1], item: not states[-1][item]})
        if all(states[n][chain[item]] for n, item in enumerate(order) if item in chain):
            cuts = [n for n, item in enumerate(order, 1) if item >= 0][kept : kept + 1]
            runs = (states[a:b] for a, b in pairwise([0, *cuts, len(states)]))
            found.add(tuple(frozenset(frozenset(s.items()) for s in run) for run in runs))
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


def by_direction(count: int, every: frozenset[tuple[Value, ...]]) -> list[Lines]:
    """Return the maximum numbers of lines of pieces; a line of any direction replaces others."""
    found = [{value[1] for value in values if value and value[0]} for values in every]
    upright, level = found.count({1}), found.count({2})
    free = min(count, len(every) - upright - level)
    splits = ((n, count - free - n) for n in range(count - free + 1))
    return [(free, n, m) for n, m in splits if n <= upright and m <= level]


def together(cells: Sequence[Cell], regions: int | None = None) -> Cell:
    """Return the pieces of cells together, of which at most this many exist [default: all]."""
    every = frozenset[tuple[Value, ...]]().union(*(possible for _, possible in cells))
    return min(sum(sorted((n for n, _ in cells), reverse=True)[:regions]), len(every)), every
