"""Weights of chords that exclude counts of zero lines (docs/lower-bound.md).

The weights solve linear programmes in floating point and are rounded to integers. What they prove
is for the checker to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement, pairwise, product
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack, vstack

from analysis.bounds.checker import FAR
from analysis.bounds.chords import PARTS, STEPS, Bools, Chords, Floats, Ints, Lines
from analysis.bounds.zero_lines import Counts

Kinks = tuple[int, int]
"""Numbers of kinks at which x, and y, is constant."""
Kink = tuple[int, int]
"""Interval of positions of a kink parallel to an axis, as indices of cuts."""
Box = tuple[tuple[Kink, ...], ...]
"""Intervals of the kinks at which x, and y, is constant, in order."""
CellRange = tuple[Kink, Kink, int]
"""Indices of the cuts between which x, and y, lies in a cell, and which lines count in it.

Lines of any direction (0), at constant x (1) or at constant y (2), as in `zero_lines.Lines`.
"""

CUT_SPACING = 2
"""Distance of neighbouring cuts, in units of 1/64."""

COARSE_WIDTH = 4
"""Number of intervals between cuts in a side of the smallest boxes of counts that may fail."""

FIRST_WIDTH = 48
"""Number of intervals between cuts in a side of the first boxes of positions."""

ROUNDS = 45
"""Maximum number of linear programmes, each with the lines that the last one overlooked."""

ROUNDS_TO_SPLIT = 10
"""Number of programmes after which a box is halved instead, if the weights exclude too little."""

LINES_PER_ROUND = 30
"""Number of lines added per round and cell, those of the most weight first."""

KNOWN_LINES = 60
"""Number of lines, tight for a cell in recent solutions, that the first programme starts with."""

TRIED_FIRST = 30
"""Number of recent weightings that are tried in a box before new weights are computed."""

UNIT = 1000
"""Weight in the certificate of a chord of weight 1, the most that a point has to bear."""

MARGIN = 0.01
"""Weight by which the chords must exceed what is needed, to allow for rounding errors."""

TOLERANCE = 1e-6
"""Excess over a limit of a linear programme that is an error of its solution."""


class Weightings:
    """Weights of the chords, and the boxes of positions of kinks where they exclude counts.

    Attributes:
        weights: weights of the chords, float64 [C], multiples of 1 / UNIT.
        boxes: [weighting, box] of each box of positions.
    """

    def __init__(self, chords: Chords, errors: int) -> None:
        self.weights: list[Floats] = []
        self.boxes: list[tuple[int, Box]] = []
        self._chords, self._lines = chords, Lines(chords)
        self._needed = errors + MARGIN
        inside = [
            np.arange(np.floor(64 * low / CUT_SPACING) + 1, np.ceil(64 * high / CUT_SPACING))
            for low, high in zip(chords.points.min(axis=0), chords.points.max(axis=0), strict=True)
        ]
        self._cuts = [
            [-FAR, *(CUT_SPACING * cuts.astype(np.int64)).tolist(), FAR] for cuts in inside
        ]
        self._heaviest: dict[tuple[int, CellRange], float] = {}
        self._known: dict[tuple[int, int], dict[tuple[int, float], None]] = {}
        number = len(chords.ones)
        ranges = np.concatenate([chords.ones, chords.zeros])
        self._ends = csr_matrix(
            (np.ones(2 * number), (ranges, np.tile(np.arange(number), 2))),
            shape=(len(chords.ranges), number),
        )

    def exclude(
        self, kinks: Kinks, counts: Sequence[Counts], *, all_needed: bool = True
    ) -> list[Counts]:
        """Find boxes of positions of the kinks, and weights, that exclude all counts everywhere.

        Args:
            kinks: number of kinks at which x, and y, is constant.
            counts: numbers of zero lines in the cells between these kinks.
            all_needed: halve boxes down to one interval between cuts, and stop at the first count
                that is not excluded. Otherwise counts may fail: boxes of `COARSE_WIDTH` intervals
                are not halved, and all counts are tried.

        Returns:
            The counts that are not excluded. Boxes that exclude others are added to `boxes`.
        """
        starts = [self._starts(axis, number) for axis, number in enumerate(kinks)]
        flat = np.array([np.ravel(cells) for cells in counts])
        least = 1 if all_needed else COARSE_WIDTH
        # Where most counts fail comes first.
        middle = tuple(self._middle(axis, number, least) for axis, number in enumerate(kinks))
        boxes = [(box, np.arange(len(counts))) for box in (*product(*starts), middle)]
        failed: set[int] = set()
        found: list[tuple[int, Box, Ints]] = []

        def exclude(weighting: int, box: Box, left: Ints) -> Ints:
            """Return the counts that a weighting does not exclude in a box."""
            excluded = self._excludes(weighting, box, flat[left])
            found.append((weighting, box, left[excluded]))
            return left[~excluded]

        while boxes and not (failed and all_needed):
            box, left = boxes.pop()
            if any(a >= b for side in box for a, b in side) or any(
                side[n][0] >= side[n + 1][1] for side in box for n in range(len(side) - 1)
            ):
                continue
            left, halves = left[~np.isin(left, list(failed))], _halves(box, least)
            for weighting in reversed(range(len(self.weights))[-TRIED_FIRST:]):
                if len(left):
                    left = exclude(weighting, box, left)
            while len(left) and not (failed and all_needed):
                most = left[flat[left].sum(axis=1).argmax()]
                weights = self._solve(self._cells(box), flat[most], patient=not halves)
                if weights is not None:
                    self.weights.append(weights)
                    left = exclude(len(self.weights) - 1, box, left)
                elif halves:
                    break
                else:
                    failed.add(int(most))
                    left = left[left != most]
            boxes += [(half, left) for half in halves if len(left)]
        self.boxes += [(k, box) for k, box, excluded in found if {*excluded.tolist()} - failed]
        return [counts[n] for n in sorted(failed)]

    def certified(self, needed: Mapping[Kinks, Sequence[Counts]]) -> dict[str, Any]:
        """Return the chords, their weights and the boxes for a certificate.

        Args:
            needed: counts that the certificate has to exclude, by number of kinks. Boxes that
                others make unnecessary for them are left out.
        """
        kept = [number for kinks, counts in needed.items() for number in self._kept(kinks, counts)]
        boxes = [self.boxes[number] for number in sorted(kept)]
        used = sorted({weighting for weighting, _ in boxes})
        weights = np.rint(np.array([self.weights[k] for k in used]) * UNIT).astype(np.int64)
        chords = np.flatnonzero(weights.any(axis=0))
        return {
            "parts": PARTS,
            "steps": STEPS,
            "ranges": self._chords.ranges.tolist(),
            "chords": np.stack([self._chords.ones, self._chords.zeros], axis=1)[chords].tolist(),
            # The checker needs only the cuts at which boxes end.
            "cuts": [
                [cuts[end] for end in _ends(boxes, axis) if abs(cuts[end]) < FAR]
                for axis, cuts in enumerate(self._cuts)
            ],
            "weights": weights[:, chords].tolist(),
            "boxes": [[used.index(k), *self._positions(box)] for k, box in boxes],
        }

    def _kept(self, kinks: Kinks, counts: Sequence[Counts]) -> set[int]:
        """Return indices of boxes that exclude these counts wherever all boxes do."""
        alike = [n for n, (_, box) in enumerate(self.boxes) if tuple(map(len, box)) == kinks]
        boxes = [self.boxes[n] for n in alike]
        flat = np.array([np.ravel(cells) for cells in counts])
        excludes = np.array([self._excludes(*box, flat) for box in boxes])
        ends = [_ends(boxes, axis) for axis in range(2)]
        places = [
            tuple(
                slice(ends[axis].index(a), ends[axis].index(b))
                for axis, side in enumerate(box)
                for a, b in side
            )
            for _, box in boxes
        ]
        shape = [len(ends[axis]) - 1 for axis in range(2) for _ in range(kinks[axis])]
        impossible = np.full(shape, False)
        indices: Any = np.indices(shape, sparse=True)
        for side in (indices[: kinks[0]], indices[kinks[0] :]):
            for one, after in pairwise(side):
                impossible |= one > after
        kept: set[int] = set()
        for column in excludes.T:
            times = np.where(impossible, len(boxes), 0)
            for number in np.flatnonzero(column):
                times[places[number]] += 1
            for number in np.flatnonzero(column)[::-1]:
                if number not in kept and (times[places[number]] > 1).all():
                    times[places[number]] -= 1
                else:
                    kept.add(number)
        return {alike[number] for number in kept}

    def _positions(self, box: Box) -> list[list[list[int]]]:
        """Return a box with positions in units of 1/64 for indices of cuts."""
        return [
            [[cuts[i] for i in kink] for kink in side]
            for side, cuts in zip(box, self._cuts, strict=True)
        ]

    def _starts(self, axis: int, number: int) -> list[tuple[Kink, ...]]:
        """Return the first intervals of this number of kinks along an axis, in order."""
        last = len(self._cuts[axis]) - 1
        steps = [*pairwise([0, *range(FIRST_WIDTH - 1, last - 1, FIRST_WIDTH), last])]
        return [*combinations_with_replacement(steps, number)]

    def _middle(self, axis: int, number: int, width: int) -> tuple[Kink, ...]:
        """Return intervals of this number of kinks along an axis, at equal distances."""
        last = len(self._cuts[axis]) - 1
        places = (last * (kink + 1) // (number + 1) for kink in range(number))
        return tuple((place, min(place + width, last)) for place in places)

    def _cells(self, box: Box) -> list[CellRange]:
        """Return where the cells of a grid lie whose kinks have positions in a box."""
        slabs: list[list[Kink]] = []
        for side, cuts in zip(box, self._cuts, strict=True):
            lows, highs = [0, *(a for a, _ in side)], [*(b for _, b in side), len(cuts) - 1]
            slabs.append([*zip(lows, highs, strict=True)])
        columns, rows = slabs
        return [*product(columns, rows, range(3))]

    def _near(self, cell: CellRange) -> Bools:
        """Return the pairs of parts whose chords may meet a cell, bool [P]."""
        near = np.full(len(self._lines.low), True)
        for axis, (first, last) in enumerate(cell[:2]):
            near &= self._lines.high[:, axis] >= self._cuts[axis][first] / 64
            near &= self._lines.low[:, axis] <= self._cuts[axis][last] / 64
        return near

    def _excludes(self, weighting: int, box: Box, counts: Ints) -> Bools:
        """Return which counts, int64 [N, cells], a weighting excludes in a box, bool [N]."""
        cells = self._cells(box)
        for cell in cells:
            if (weighting, cell) not in self._heaviest:
                most, _ = self._lines.heaviest(self.weights[weighting], self._near(cell), cell[2])
                self._heaviest[weighting, cell] = float(most.max())
        heaviest = np.array([self._heaviest[weighting, cell] for cell in cells])
        total = PARTS * float(self.weights[weighting].sum())
        excludes: Bools = total - counts @ heaviest > self._needed
        return excludes

    def _solve(self, cells: Sequence[CellRange], counts: Ints, *, patient: bool) -> Floats | None:
        """Return weights that exclude these numbers of zero lines in cells, if some are found.

        The programme: the most total weight, less the weight that the lines cross, of which each
        point bears at most 1. Lines are added where the weights exceed the limit of a cell.

        Args:
            cells: where the cells lie.
            counts: int64 [cells].
            patient: solve up to ROUNDS programmes even if success is unlikely.
        """
        number, needed = len(self._chords.ones), self._needed
        near = [self._near(cell) for cell in cells]
        sizes = self._chords.smallest_parts.astype(np.float64)
        costs = np.concatenate([np.full(number, -PARTS), counts])
        rows: dict[tuple[int, bytes], Floats] = {}
        lines: list[tuple[int, tuple[int, float]]] = []

        def add(cell: int, direction: int, offset: float) -> bool:
            """Limit the weight that a line crosses in a cell; return whether it is a new limit."""
            crossed = self._lines.crossed(direction, offset) & near[cell]
            per_chord = crossed.reshape(-1, PARTS).sum(axis=1)
            key = cell, per_chord.tobytes()
            new = key not in rows and bool(per_chord.any())
            if new:
                rows[key] = np.concatenate([per_chord, -1.0 * (np.arange(len(cells)) == cell)])
                lines.append((cell, (direction, offset)))
            return new

        used = np.flatnonzero(counts).tolist()
        for cell in used:
            for line in [*self._known.get((len(cells), cell), ())][-KNOWN_LINES:]:
                add(cell, *line)
        bound = hstack([self._ends, csr_matrix((len(sizes), len(cells)))])
        best = -np.inf
        for number_solved in range(1, ROUNDS + 1):
            limits = vstack([bound, csr_matrix(np.array([*rows.values()]))]) if rows else bound
            solution = linprog(
                costs,
                A_ub=limits,
                b_ub=np.concatenate([sizes, np.zeros(len(rows))]),
                method="highs",
            )
            weights: Floats = np.floor(np.maximum(solution.x[:number], 0) * UNIT) / UNIT
            value, overlooked = PARTS * weights.sum(), False
            for cell in used:
                kind = cells[cell][2]
                most, offsets = self._lines.heaviest(weights, near[cell], kind)
                value -= counts[cell] * most.max()
                # Neighbouring directions, two indices apart, have almost the same lines.
                around = np.pad(most, 2)
                peaks = (most >= around[:-4]) & (most >= around[4:])
                for direction in np.argsort(-most * peaks)[:LINES_PER_ROUND].tolist():
                    if most[direction] > solution.x[number + cell] + TOLERANCE:
                        line = (
                            int(self._lines.directions[kind][direction]),
                            float(offsets[direction]),
                        )
                        overlooked |= add(cell, *line)
            best = max(best, value)
            unlikely = number_solved >= ROUNDS_TO_SPLIT and best < needed / 2
            hopeless = -solution.fun < needed or not overlooked or (unlikely and not patient)
            if value > needed or hopeless:
                tight = np.flatnonzero(solution.ineqlin.marginals[len(sizes) :])
                for cell, line in [lines[row] for row in tight]:
                    known = self._known.setdefault((len(cells), cell), {})
                    known.pop(line, None)
                    known[line] = None
                return weights if value > needed else None
        return None


def _ends(boxes: Iterable[tuple[int, Box]], axis: int) -> list[int]:
    """Return the indices of the cuts along an axis at which boxes end, in order."""
    return sorted({end for _, box in boxes for kink in box[axis] for end in kink})


def _halves(box: Box, least: int) -> list[Box]:
    """Return a box halved along its longest interval; none if each has at most the least width."""
    size, axis, kink = max(
        ((b - a, axis, kink) for axis, side in enumerate(box) for kink, (a, b) in enumerate(side)),
        default=(0, 0, 0),
    )
    if size <= least:
        return []
    a, b = box[axis][kink]
    halves: list[Box] = []
    for half in ((a, (a + b) // 2), ((a + b) // 2, b)):
        side = (*box[axis][:kink], half, *box[axis][kink + 1 :])
        halves.append((*box[:axis], side, *box[axis + 1 :]))
    return halves
