"""The paper's search as an algorithm: dense structures first, then the masks of the smallest.

    phase 1   train every dense structure up to a width
    choose    the smallest structures, by weights and biases, that reach the target
    phase 2   train every mask of their hidden layers
    result    the network with the fewest weights and biases that reaches the target

This file says which experiments each phase has. What the paper enumerated (phase1, phase2-95,
phase2-995) is taken from its studies, so that nothing is trained twice; everything else belongs to
studies of the search's own, which are written as sweep files: anybody could have made them. Their
names do not depend on the settings, so that another search finds their rows.

The authors chose the structures of their second phases by hand, and for 7x3x3 tried a part of the
masks (docs/paper.md, section 4).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, product
from typing import Any

from search.catalogue import Selection
from search.experiment import SCHEDULES
from search.indices import IndexSet
from search.masks.sequences import AllMasks
from search.paper import paper_study
from search.paper_grids import INPUTS
from search.structure import Structure
from search.study import Study

PAPER_WIDTH = 16
"""Greatest width of phase1, and width of the networks whose initial weights the paper draws."""

LRS = (0.05, 0.1)
"""The paper's learning rates of a search."""

WIDER_PHASE_1 = "search-dense"
"""Name of the study of dense structures that phase1 does not have."""

PAPER_PHASE_2 = {Structure((3, 3, 3)): "phase2-95", Structure((7, 3, 3)): "phase2-995"}
"""Structure -> the paper's study of its masks."""


@dataclass(frozen=True)
class SearchSettings:
    """What a search is asked for.

    Attributes:
        target: accuracy to be reached.
        max_width: neurons of the widest hidden layer.
        lrs: learning rates.
        schedules: of the learning rate.
        structures: how many structures have a second phase.
        masks: which masks of a structure, a value of the key `masks` of a sweep file.
        root_seed: of all random numbers.
    """

    target: float
    max_width: int = PAPER_WIDTH
    lrs: tuple[float, ...] = LRS
    schedules: tuple[str, ...] = SCHEDULES
    structures: int = 1
    masks: str = "all"
    root_seed: int = 0

    def in_words(self, phase: int) -> str:
        """All that decides what a phase chooses: equal texts, equal choices."""
        rates = ", ".join(f"{lr:g}" for lr in self.lrs)
        said = (
            f"{100 * self.target:g} %, hidden layers up to {self.max_width}, lr {rates}, schedule "
            f"{', '.join(self.schedules)}, root seed {self.root_seed}, "
            f"smallest {self.structures}"
        )
        return said if phase == 1 else f"{said}, masks {self.masks}"


def smallest_first(structure: Structure) -> tuple[int, Structure]:
    """Key of the order of the structures: weights and biases, then neurons layer by layer."""
    return structure.parameters(INPUTS), structure


def paper_phase_1(settings: SearchSettings) -> Selection:
    """The experiments of the paper's phase1 that the search wants; perhaps none."""
    study = paper_study("phase1").with_root_seed(settings.root_seed)
    wanted = (
        index
        for index in range(len(study))
        if _wants(settings, study.grid[index])
        and max(study.grid[index]["structure"]) <= settings.max_width
    )
    return Selection(study, IndexSet.from_indices(wanted))


def other_phase_1(settings: SearchSettings) -> str | None:
    """The dense structures that phase1 does not have, as a sweep file; None where it has all.

    The initial weights are those of a network as wide as its widest layer, from 16 on.
    """
    tables = []
    study = paper_study("phase1")
    other_lrs = [lr for lr in settings.lrs if lr not in study.values("lr")]
    if other_lrs:
        widths = range(1, min(settings.max_width, PAPER_WIDTH) + 1)
        narrow = list(map(Structure, product(widths, repeat=3)))
        tables.append(_table(other_lrs, settings.schedules, narrow, PAPER_WIDTH))
    for width in range(PAPER_WIDTH + 1, settings.max_width + 1):
        wide = [Structure(s) for s in product(range(1, width + 1), repeat=3) if max(s) == width]
        tables.append(_table(settings.lrs, settings.schedules, wide, width))
    return f'name = "{WIDER_PHASE_1}"\n' + "".join(tables) if tables else None


def phase_2_name(structure: Structure) -> str:
    """Name of the study of a structure's masks."""
    return f"search-{structure}"


def phase_2(settings: SearchSettings, structure: Structure) -> str:
    """The masks of a structure, as a sweep file."""
    width = max(PAPER_WIDTH, *structure)
    table = _table(settings.lrs, settings.schedules, [structure], width, settings.masks)
    return f'name = "{phase_2_name(structure)}"\n{table}'


def paper_phase_2(settings: SearchSettings, structure: Structure) -> Selection | None:
    """The experiments of phase2-95 or phase2-995 that the search wants.

    None where the paper did not enumerate the structure, and where not all masks are wanted: a
    representative of a network need not be the mask that the paper has of it.
    """
    if structure not in PAPER_PHASE_2 or settings.masks != "all":
        return None
    study = paper_study(PAPER_PHASE_2[structure]).with_root_seed(settings.root_seed)
    wanted = [(block.start, block.stop) for spec, block in _blocks(study) if _wants(settings, spec)]
    return Selection(study, IndexSet.of(wanted))


def without_paper(study: Study, structure: Structure, paper: Selection) -> Selection:
    """A structure's masks without the experiments that the paper's study has.

    Args:
        study: of all masks, made from `phase_2`.
        structure: whose masks.
        paper: of `paper_phase_2`.
    """
    first = next(iter(_blocks(paper.study)))[1]
    places = [_place(structure, paper.study.grid[index]["masks"]) for index in first]
    starts = {(spec["lr"], spec["schedule"]): block.start for spec, block in _blocks(study)}
    there = [
        starts[spec["lr"], spec["schedule"]]
        for spec, block in _blocks(paper.study)
        if IndexSet.of([(block.start, block.stop)]) & paper.indices
    ]
    taken = IndexSet.from_indices(start + place for start in there for place in places)
    return Selection(study, IndexSet.from_range(range(len(study))) - taken)


def _wants(settings: SearchSettings, spec: dict[str, Any]) -> bool:
    return spec["lr"] in settings.lrs and spec["schedule"] in settings.schedules


def _blocks(study: Study) -> Iterator[tuple[dict[str, Any], range]]:
    """The parts of a second phase that have one learning rate and schedule, the slowest keys."""
    count = len(study.values("lr")) * len(study.values("schedule"))
    size = len(study) // count
    for start in range(0, len(study), size):
        yield study.grid[start], range(start, start + size)


def _place(structure: Structure, masks: tuple[str, ...]) -> int:
    """Place of a combination of masks among all of its structure, the first layer slowest."""
    place = 0
    for (cols, rows), mask in zip(pairwise((INPUTS, *structure)), masks, strict=True):
        place = place * _layer(rows, cols).size + _place_in_layer(rows, cols, mask)
    return place


@cache
def _layer(rows: int, cols: int) -> AllMasks:
    return AllMasks(rows, cols)


@lru_cache(maxsize=4096)
def _place_in_layer(rows: int, cols: int, mask: str) -> int:
    """The few masks of a layer come up in many combinations."""
    return _layer(rows, cols).index(mask)


def _table(
    lrs: list[float] | tuple[float, ...],
    schedules: tuple[str, ...],
    structures: list[Structure],
    width: int,
    masks: str = "dense",
) -> str:
    """A table of a sweep file; JSON's lists of numbers and plain text are TOML's too."""
    return (
        "[[grid]]\n"
        f"lr = {json.dumps(list(lrs))}\n"
        f"schedule = {json.dumps(list(schedules))}\n"
        f"structure = {json.dumps([str(s) for s in structures])}\n"
        f"width = [{width}]\n"
        f'masks = "{masks}"\n'
    )
