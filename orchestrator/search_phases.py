"""The two phases of a search as targets of a run, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.planning.calibration import calibration
from orchestrator.planning.estimate import estimate
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import Targets, generated_study
from search.catalogue import Selection
from search.structure import Structure
from search.two_phases import (
    WIDER_PHASE_1,
    SearchSettings,
    other_phase_1,
    paper_phase_1,
    paper_phase_2,
    phase_2,
    phase_2_name,
    without_paper,
)
from storage.paths import StorePaths
from storage.reading.reader import StoreReader


def phase_1_targets(settings: SearchSettings) -> Targets:
    """The dense structures: those of the paper's phase1, and the search's own."""
    text = other_phase_1(settings)
    own = []
    if text is not None:
        own = [Selection.of_study(generated_study(text, WIDER_PHASE_1, settings.root_seed))]
    return _targets([paper_phase_1(settings), *own])


def phase_2_targets(settings: SearchSettings, structures: Sequence[Structure]) -> Targets:
    """The masks of some structures: what the paper's studies have of them, and the rest.

    Raises:
        UserError: a structure has more masks than can be numbered, or `masks` is not known.
    """
    selections = []
    for structure in structures:
        text = phase_2(settings, structure)
        study = generated_study(text, phase_2_name(structure), settings.root_seed)
        paper = paper_phase_2(settings, structure)
        if paper is None:
            selections.append(Selection.of_study(study))
        else:
            selections += [paper, without_paper(study, structure, paper)]
    return _targets(selections)


def _targets(selections: Sequence[Selection]) -> Targets:
    files = {s.study.name: s.study.file_sha256 for s in selections if s.study.file_sha256}
    return Targets([selection for selection in selections if selection.indices], files)


def planned_against(targets: Targets, store: Path) -> list[PlannedStudy]:
    """What is stored and what is left of a phase, in a store that need not exist yet."""
    if not StorePaths.of(store).marker.exists():
        return make_plan(targets.selections, None)
    with StoreReader(store) as reader:
        return make_plan(targets.selections, reader)


def core_hours(planned: Sequence[PlannedStudy]) -> float:
    """Hours of one core of this machine that what is left takes."""
    if not any(item.remaining for item in planned):
        return 0.0
    speed = calibration()
    return sum(estimate(item.study, item.remaining, speed).core_hours for item in planned)
