"""The paper's search as an algorithm: dense structures first, then masks of the smallest ones.

    phase 1   train every dense structure up to a width
    choose    the smallest structures, by weights and biases, that reach the target
    phase 2   train every mask of their hidden layers
    result    the network with the fewest weights and biases that reaches the target

A given structure takes the place of phase 1 and the choice.

This module determines the experiments of each phase. Those of the paper's studies (phase1,
phase2-95, phase2-995) belong to these studies, so that nothing is trained twice. All others belong
to studies of the search, written as sweep files. The names of these studies do not depend on the
settings, so that other searches reuse their rows.

The authors chose the structures of phase 2 by hand, and for 7x3x3 tried some of the masks
(docs/paper.md, section 4).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Any

from search.catalogue import Selection
from search.datasets import dataset_named
from search.experiment import SCHEDULES, Experiment
from search.indices import IndexSet
from search.masks.sequences import AllMasks
from search.paper import paper_study
from search.paper_grids import INPUTS, LRS
from search.structure import DEFAULT_DEPTH, Structure
from search.study import Study
from search.sweeps.keys import MAX_VALUES

_PAPER = Experiment()

PAPER_WIDTH = 16
"""Maximum width of phase1, and width of the networks whose initial weights the paper draws."""

WIDER_PHASE_1 = "search-dense"
"""Name of the study of dense structures that are not in phase1."""

PAPER_PHASE_2 = {Structure((3, 3, 3)): "phase2-95", Structure((7, 3, 3)): "phase2-995"}
"""Structure -> the paper's study of its masks."""


@dataclass(frozen=True)
class SearchSettings:
    """The settings of a search.

    Attributes:
        target: accuracy to reach.
        max_width: maximum number of neurons in a hidden layer in phase 1.
        lrs: learning rates.
        schedules: learning-rate schedules.
        structures: number of structures in phase 2.
        masks: masks of a structure in phase 2, a value of the sweep-file key `masks`.
        root_seed: seed of all random numbers.
        dataset: name of the data set.
        depth: number of hidden layers in phase 1.
        structure: the structure of phase 2; None if phase 1 chooses structures.
        epochs: epochs of a training.
        batch_size: points in a step.
        replicates: number of trainings of each network under each learning rate and schedule.
    """

    target: float
    max_width: int = PAPER_WIDTH
    lrs: tuple[float, ...] = LRS
    schedules: tuple[str, ...] = SCHEDULES
    structures: int = 1
    masks: str = "all"
    root_seed: int = 0
    dataset: str = _PAPER.dataset
    depth: int = DEFAULT_DEPTH
    structure: Structure | None = None
    epochs: int = _PAPER.epochs
    batch_size: int = _PAPER.batch_size
    replicates: int = 1

    @property
    def trains_as_paper(self) -> bool:
        """Whether the paper's trainings are those of this search."""
        ours = (self.dataset, self.epochs, self.batch_size, self.replicates)
        return ours == (_PAPER.dataset, _PAPER.epochs, _PAPER.batch_size, 1)

    def describe(self, phase: int) -> str:
        """Return everything that decides the choice of a phase; stores identify choices by it."""
        rates = ", ".join(f"{lr:g}" for lr in self.lrs)
        structures = f"hidden layers up to {self.max_width}"
        if self.structure is not None:
            structures = f"structure {self.structure}"
        text = (
            f"{100 * self.target:g} %, {structures}, lr {rates}, schedule "
            f"{', '.join(self.schedules)}, root seed {self.root_seed}, "
            f"smallest {self.structures}"
        )
        others = {
            "depth": (self.depth, DEFAULT_DEPTH),
            "data set": (self.dataset, _PAPER.dataset),
            "epochs": (self.epochs, _PAPER.epochs),
            "batch size": (self.batch_size, _PAPER.batch_size),
            "replicates": (self.replicates, 1),
        }
        for name, (value, default) in others.items():
            text += "" if value == default else f", {name} {value}"
        return text if phase == 1 else f"{text}, masks {self.masks}"

    def smallest_first(self, structure: Structure) -> tuple[int, Structure]:
        """Return the sort key of a structure: weights and biases, then neurons layer by layer."""
        ends = dataset_named(self.dataset)
        return structure.parameters(ends.features, ends.outputs), structure


def usual_max_width(depth: int) -> int:
    """Return the largest width, at most the paper's, with no more structures than phase1 has."""
    within = (
        width for width in range(PAPER_WIDTH, 1, -1) if width**depth <= PAPER_WIDTH**DEFAULT_DEPTH
    )
    return next(within, 1)


def paper_phase_1(settings: SearchSettings) -> Selection | None:
    """Return the experiments of the paper's phase1 that the search needs; None if it uses none."""
    if not settings.trains_as_paper or settings.depth != DEFAULT_DEPTH:
        return None
    study = paper_study("phase1").with_root_seed(settings.root_seed)
    wanted = (
        index
        for index in range(len(study))
        if _wants(settings, study.grid[index])
        and max(study.grid[index]["structure"]) <= settings.max_width
    )
    return Selection(study, IndexSet.from_indices(wanted))


def other_phase_1(settings: SearchSettings) -> str | None:
    """Return a sweep file of the dense structures that are not in phase1; None if there are none.

    The full network is 16 neurons wide, or as wide as the widest layer if that is more.
    """
    tables = []
    paper = paper_phase_1(settings)
    other_lrs = [lr for lr in settings.lrs if not paper or lr not in paper.study.values("lr")]
    if other_lrs:
        widths = range(1, min(settings.max_width, PAPER_WIDTH) + 1)
        narrow = list(map(Structure, product(widths, repeat=settings.depth)))
        tables.append(_table(other_lrs, settings, narrow, PAPER_WIDTH))
    for width in range(PAPER_WIDTH + 1, settings.max_width + 1):
        structures = product(range(1, width + 1), repeat=settings.depth)
        wide = [Structure(s) for s in structures if max(s) == width]
        tables.append(_table(settings.lrs, settings, wide, width))
    return _sweep_file(WIDER_PHASE_1, settings, tables) if tables else None


def phase_2_name(structure: Structure) -> str:
    """Return the name of the study of a structure's masks."""
    return f"search-{structure}"


def phase_2(settings: SearchSettings, structure: Structure) -> str:
    """Return a sweep file of the masks of a structure."""
    width = max(PAPER_WIDTH, *structure)
    table = _table(settings.lrs, settings, [structure], width, settings.masks)
    return _sweep_file(phase_2_name(structure), settings, [table])


def paper_phase_2(settings: SearchSettings, structure: Structure) -> Selection | None:
    """Return the experiments of phase2-95 or phase2-995 that the search needs.

    None if the paper did not enumerate the structure or trained it otherwise, or if not all masks
    are needed: the representative of a network can differ from the paper's masks of it.
    """
    if structure not in PAPER_PHASE_2 or settings.masks != "all" or not settings.trains_as_paper:
        return None
    study = paper_study(PAPER_PHASE_2[structure]).with_root_seed(settings.root_seed)
    wanted = [(block.start, block.stop) for spec, block in _blocks(study) if _wants(settings, spec)]
    return Selection(study, IndexSet.of(wanted))


def without_paper(study: Study, structure: Structure, paper: Selection) -> Selection:
    """Return a structure's masks without the experiments of the paper's study.

    `study` has all masks, made from `phase_2`, and `paper` is the result of `paper_phase_2`.
    """
    layers = [AllMasks(rows, cols) for cols, rows in pairwise((INPUTS, *structure))]
    index_of = cache(AllMasks.index)  # many combinations share the few masks of a layer

    def position(masks: tuple[str, ...]) -> int:
        """Return the index of a combination of masks, the first layer slowest."""
        found = 0
        for layer, mask in zip(layers, masks, strict=True):
            found = found * layer.size + index_of(layer, mask)
        return found

    first = next(iter(_blocks(paper.study)))[1]
    positions = [position(paper.study.grid[index]["masks"]) for index in first]
    starts = {(spec["lr"], spec["schedule"]): block.start for spec, block in _blocks(study)}
    paper_starts = [
        starts[spec["lr"], spec["schedule"]]
        for spec, block in _blocks(paper.study)
        if IndexSet.of([(block.start, block.stop)]) & paper.indices
    ]
    taken = IndexSet.from_indices(start + place for start in paper_starts for place in positions)
    return Selection(study, IndexSet.from_range(range(len(study))) - taken)


def _wants(settings: SearchSettings, spec: dict[str, Any]) -> bool:
    return spec["lr"] in settings.lrs and spec["schedule"] in settings.schedules


def _blocks(study: Study) -> Iterator[tuple[dict[str, Any], range]]:
    """Yield the blocks of a phase 2 with one learning rate and schedule, the slowest keys."""
    count = len(study.values("lr")) * len(study.values("schedule"))
    size = len(study) // count
    for start in range(0, len(study), size):
        yield study.grid[start], range(start, start + size)


def _sweep_file(name: str, settings: SearchSettings, tables: list[str]) -> str:
    """Return a sweep file; numbers and lists have the same form in JSON and TOML."""
    return (
        f'name = "{name}"\n'
        f"replicates = {settings.replicates}\n"
        "[base]\n"
        f"dataset = {json.dumps(settings.dataset)}\n"
        f"epochs = {settings.epochs}\n"
        f"batch_size = {settings.batch_size}\n" + "".join(tables)
    )


def _table(
    lrs: Sequence[float],
    settings: SearchSettings,
    structures: list[Structure],
    width: int,
    masks: str = "dense",
) -> str:
    """Return a table of a sweep file, or several if one cannot have that many structures."""
    return "".join(
        "[[grid]]\n"
        f"lr = {json.dumps(list(lrs))}\n"
        f"schedule = {json.dumps(list(settings.schedules))}\n"
        f"structure = {json.dumps([str(s) for s in structures[first : first + MAX_VALUES]])}\n"
        f"width = [{width}]\n"
        f'masks = "{masks}"\n'
        for first in range(0, len(structures), MAX_VALUES)
    )
