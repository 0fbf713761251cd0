"""Count the zero lines that a mask allows, for the checker (docs/lower-bound.md)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement, pairwise, permutations, product
from math import comb
from typing import Any

Mask = tuple[tuple[int, ...], ...]  # rows of each hidden layer; bit j: a weight from neuron j
Value = tuple[Any, ...] | None  # (live?, direction, neuron, parents' values); None is zero
Cell = tuple[int, frozenset[tuple[Value, ...]]]  # maximum number of pieces; the possible ones
Lines = tuple[int, ...]  # numbers of lines: of any direction, at constant x, at constant y
Way = tuple[Sequence[int], ...]  # second-layer rows whose kinks count; kept kinks of each axis
Counts = tuple[tuple[Lines, ...], ...]  # maximum numbers of zero lines in each cell of a grid


def most_lines(mask: Mask) -> int:
    """Return an upper bound of the number of zero lines of a network with this mask."""
    return min(max(n for n, _ in grids(mask, second, (), ())) for second in ((), *mask[1:2]))


def ways(mask: Mask) -> Iterator[Way]:
    """Yield the ways to count the zero lines of a mask: one or all kinks of an axis are kept."""
    for second in ((), *mask[1:2]):
        numbers = (sum(map(len, kinks(mask, second, axis))) for axis in (1, 2))
        kept = ([*zip(range(n))] + [tuple(range(n))] * (n != 1) for n in numbers)
        yield from product((second,), *kept)


def kinks(mask: Mask, second: Sequence[int], axis: int) -> tuple[list[int], dict[int, int]]:
    """Return the first-layer neurons of an axis; by ~i, that of neuron i of the second layer."""
    first = [i for i, row in enumerate(mask[0]) if row == axis]
    return first, {~i: v for i, row in enumerate(second) for v in first if row == 1 << v}


def grids(mask: Mask, *way: Sequence[int]) -> Iterator[tuple[int, Iterator[Counts]]]:
    """Yield the maximum numbers of zero lines, in all and by cell, for each order of the kinks."""
    general = [((i, False), (i, True)) for i, row in enumerate(mask[0]) if row == 3]
    others = [frozenset(states) for states in product(*general)]
    names = [row if row < 3 else -i for i, row in enumerate(mask[0])]
    parts, cells = dict[Any, Cell](), dict[Any, Any]()
    for columns, rows in product(*(sequences(mask, way, axis) for axis in (1, 2))):
        for cell in {*product(columns, rows)} - cells.keys():
            keys = [*product(*cell, others)]
            for key in {*keys} - parts.keys():
                states = dict(state for part in key for state in part)
                values = [(True, d, i) if states[i] else None for i, d in enumerate(names)]
                parts[key] = pieces(mask, 1, tuple(values), states)
            cells[cell] = [parts[key] for key in keys]
        grid = [cells[cell] for cell in product(columns, rows)]
        width, height = (tuple(map(len, runs)) for runs in (columns, rows))
        ((most,),) = regions((sum(width),), (sum(height),), len(general))
        total, _ = together([part for cell in grid for part in cell], most)
        yield total, by_cell(grid, len(rows), regions(width, height, len(general)))


def by_cell(grid: Sequence[Any], rows: int, limits: set[tuple[int, ...]]) -> Iterator[Counts]:
    """Yield every way in which the zero lines of each cell's pieces may be most."""
    for limit in limits:
        options = (by_direction(*together(*cell)) for cell in zip(grid, limit, strict=True))
        yield from (tuple(zip(*[iter(n)] * rows, strict=True)) for n in product(*options))


@cache
def regions(columns: tuple[int, ...], rows: tuple[int, ...], lines: int) -> set[tuple[int, ...]]:
    """Return the maximum numbers of regions in a grid's cells, for all paths of oblique lines.

    Columns and rows are divided into these numbers of parts. A line crosses a cell of c x r parts
    in at most c + r - 1 of them, and two lines cross in at most one cell.
    """
    sizes, found = [*product(columns, rows)], set()
    for taken in combinations_with_replacement([*paths(len(columns), len(rows))], lines):
        met = [*map(sum, zip([0] * len(sizes), *taken, strict=True))]
        for at in combinations_with_replacement(range(len(sizes)), comb(lines, 2)):
            crossings = [min(at.count(i), comb(n, 2)) for i, n in enumerate(met)]
            cells = zip(sizes, met, crossings, strict=True)
            found.add(tuple(c * r + n * (c + r - 1) + more for (c, r), n, more in cells))
    return {a for a in found if not any(a != b and all(map(int.__le__, a, b)) for b in found)}


def paths(columns: int, rows: int) -> Iterator[list[bool]]:
    """Yield which cells are on each path; an oblique line meets only cells of one of the paths."""
    for turns, sign in product(combinations_with_replacement(range(columns), rows - 1), (1, -1)):
        cells = product(range(columns), range(rows)[::sign])
        yield [sum(t < c for t in turns) <= r <= sum(t <= c for t in turns) for c, r in cells]


def sequences(mask: Mask, way: Way, axis: int) -> set[tuple[Any, ...]]:
    """Return the sets of states between the kept kinks, for each order of the kinks."""
    first, chained = kinks(mask, way[0], axis)
    items, found = [*first, *chained], set()
    for order, start in product(permutations(items), product((False, True), repeat=len(items))):
        states = [dict(zip(items, start, strict=True))]
        for item in order:
            states.append({**states[-1], item: not states[-1][item]})
        if all(states[n][chained[item]] for n, item in enumerate(order) if item in chained):
            cuts = [0, *(i + 1 for i in way[axis]), len(states)]
            runs = (states[a:b] for a, b in pairwise(cuts))
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
    most = 1 + cuts.total() + comb(cuts.total(), 2) - sum(comb(n, 2) for n in cuts.values())
    count, every = together(inside, most)
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


def together(cells: Sequence[Cell], most: int | None = None) -> Cell:
    """Return the pieces of cells together, of which at most this many exist [default: all]."""
    every = frozenset[tuple[Value, ...]]().union(*(possible for _, possible in cells))
    return min(sum(sorted((n for n, _ in cells), reverse=True)[:most]), len(every)), every
