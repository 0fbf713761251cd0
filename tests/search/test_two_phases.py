"""The experiments of a search: each occurs exactly once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from search import two_phases
from search.indices import IndexSet
from search.masks.sequences import AllMasks
from search.paper import paper_study
from search.structure import Structure
from search.study import Study
from search.sweeps.file import parse_sweep
from search.sweeps.keys import MAX_VALUES
from search.two_phases import (
    SearchSettings,
    other_phase_1,
    paper_phase_1,
    paper_phase_2,
    phase_2,
    usual_max_width,
    without_paper,
)


def own_study(text: str) -> Study:
    return parse_sweep(text.encode(), Path("own.toml"))


def test_default_phase_1_is_the_paper_s() -> None:
    settings = SearchSettings(0.95)
    paper = paper_phase_1(settings)
    assert paper is not None
    assert len(paper) == 24_576
    assert other_phase_1(settings) is None


def test_options_narrow_phase_1() -> None:
    settings = SearchSettings(0.95, max_width=3, lrs=(0.1,), schedules=("step", "constant"))
    selection = paper_phase_1(settings)
    assert selection is not None
    assert len(selection) == 27 * 2
    chosen = [selection.study[index] for index in selection.indices]
    assert {e.lr for e in chosen} == {0.1}
    assert {e.schedule for e in chosen} == {"step", "constant"}
    assert max(max(e.hidden) for e in chosen) == 3
    assert len({(e.hidden, e.schedule) for e in chosen}) == len(chosen)


def test_every_combination_beyond_the_paper_occurs_once() -> None:
    settings = SearchSettings(0.95, max_width=18, lrs=(0.05, 0.2), schedules=("step",))
    text = other_phase_1(settings)
    assert text is not None
    assert len(tomllib.loads(text)["grid"]) == 3
    own, paper = own_study(text), paper_phase_1(settings)
    assert paper is not None
    assert len(own) + len(paper) == 18**3 * 2
    experiments = [*own, *(paper.study[index] for index in paper.indices)]
    assert len({(e.hidden, e.lr) for e in experiments}) == 18**3 * 2
    assert all(max(e.hidden) <= e.width == max(16, *e.hidden) for e in experiments)


def test_no_list_of_phase_1_is_longer_than_a_sweep_file_allows() -> None:
    text = other_phase_1(SearchSettings(0.95, max_width=4, dataset="xor", depth=9))
    assert text is not None
    lists = [table["structure"] for table in tomllib.loads(text)["grid"]]
    assert max(map(len, lists)) <= MAX_VALUES
    assert sum(map(len, lists)) == len(set().union(*lists)) == 4**9


def test_structures_in_several_tables_are_the_same_experiments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = SearchSettings(0.95, 3, (0.05,), ("step",), dataset="xor", depth=2)
    text = other_phase_1(settings)
    monkeypatch.setattr(two_phases, "MAX_VALUES", 4)
    divided = other_phase_1(settings)
    assert text is not None
    assert divided is not None
    assert len(tomllib.loads(divided)["grid"]) == 3
    assert list(own_study(divided)) == list(own_study(text))


def test_wider_search_reuses_a_narrower_one() -> None:
    def ids(max_width: int, schedules: tuple[str, ...]) -> set[str]:
        settings = SearchSettings(0.95, max_width, (0.2,), schedules)
        text = other_phase_1(settings)
        assert text is not None
        return {experiment.experiment_id for experiment in own_study(text)}

    assert ids(2, ("step",)) < ids(3, ("step", "constant"))


def test_phase_2_of_the_paper_is_reused() -> None:
    settings = SearchSettings(0.95)
    structure = Structure((3, 3, 3))
    paper = paper_phase_2(settings, structure)
    assert paper is not None
    assert len(paper) == len(paper_study("phase2-95"))
    rest = without_paper(
        own_study(phase_2(settings, Structure((3, 3, 3)))), Structure((3, 3, 3)), paper
    )
    assert len(rest) == 0


def test_exactly_the_masks_of_the_paper_are_omitted() -> None:
    structure = Structure((7, 3, 3))
    settings = SearchSettings(0.995, lrs=(0.05, 0.1), schedules=("step",))
    paper = paper_phase_2(settings, structure)
    assert paper is not None
    assert len(paper) == 63_208
    study = own_study(phase_2(settings, structure))
    rest = without_paper(study, structure, paper)
    left_out = IndexSet.from_range(range(len(study))) - rest.indices
    assert len(left_out) == 63_208

    def spec(of: Study, index: int) -> tuple[object, ...]:
        experiment = of[index]
        return experiment.lr, experiment.schedule, experiment.masks

    assert {spec(study, i) for i in left_out} == {spec(paper.study, i) for i in paper.indices}


@pytest.mark.parametrize(
    ("text", "masks"), [("4x3x2", 67_600), ("5x4x2", 25_103_560), ("7x3x3", 266_004_066)]
)
def test_page_on_the_search_states_the_number_of_masks(text: str, masks: int) -> None:
    structure = Structure.parse(text)
    study = own_study(phase_2(SearchSettings(0.95, lrs=(0.1,), schedules=("step",)), structure))
    assert len(study) == masks
    page = Path(__file__).resolve().parents[2] / "docs" / "search.md"
    assert f"{masks:,} for {structure}" in page.read_text()


@pytest.mark.parametrize(
    "options",
    [{"dataset": "xor"}, {"epochs": 10}, {"batch_size": 64}, {"replicates": 2}, {"depth": 2}],
)
def test_other_trainings_than_the_paper_s_belong_to_the_search(options: dict[str, Any]) -> None:
    settings = SearchSettings(0.95, max_width=2, lrs=(0.05,), schedules=("step",), **options)
    assert paper_phase_1(settings) is None
    text = other_phase_1(settings)
    assert text is not None
    study = own_study(text)
    assert len(study) == 2**settings.depth * settings.replicates
    assert {len(experiment.hidden) for experiment in study} == {settings.depth}
    if settings.depth == 3:
        structure = Structure((3, 3, 3))
        assert paper_phase_2(settings, structure) is None
        masks = own_study(phase_2(settings, structure))
        assert len(masks) == 25_992 * settings.replicates
        assert (masks[0].dataset, masks[0].epochs) == (settings.dataset, settings.epochs)


def test_usual_width_has_no_more_structures_than_the_paper() -> None:
    assert [usual_max_width(depth) for depth in (1, 2, 3, 4, 5, 64)] == [16, 16, 16, 8, 5, 1]


def test_distinct_masks_do_not_reuse_the_paper() -> None:
    assert paper_phase_2(SearchSettings(0.95, masks="distinct"), Structure((3, 3, 3))) is None
    assert paper_phase_2(SearchSettings(0.95), Structure((4, 3, 2))) is None


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (4, 3)])
def test_index_of_a_mask_inverts_indexing(shape: tuple[int, int]) -> None:
    masks = AllMasks(*shape)
    assert [masks.index(masks[place]) for place in range(masks.size)] == list(range(masks.size))
    with pytest.raises(ValueError, match=r"11.11.11.11.11"):
        masks.index("11|11|11|11|11")
    with pytest.raises(ValueError, match="not eligible"):
        masks.index("|".join(["0" * shape[1]] * shape[0]))


def test_structures_are_ordered_by_size() -> None:
    # 61, 37, 38 and 26 weights and biases (docs/paper.md, section 4).
    structures = list(map(Structure, [(7, 3, 3), (3, 3, 3), (4, 3, 2), (3, 2, 2)]))
    ordered = sorted(structures, key=SearchSettings(0.95).smallest_first)
    assert ordered == [(3, 2, 2), (3, 3, 3), (4, 3, 2), (7, 3, 3)]


def test_settings_with_different_choices_have_different_descriptions() -> None:
    settings = [
        SearchSettings(0.95),
        SearchSettings(0.995),
        SearchSettings(0.95, max_width=8),
        SearchSettings(0.95, lrs=(0.05,)),
        SearchSettings(0.95, schedules=("step",)),
        SearchSettings(0.95, structures=2),
        SearchSettings(0.95, root_seed=1),
        SearchSettings(0.95, dataset="xor"),
        SearchSettings(0.95, depth=2),
        SearchSettings(0.95, structure=Structure((5, 4))),
        SearchSettings(0.95, epochs=10),
        SearchSettings(0.95, batch_size=64),
        SearchSettings(0.95, replicates=2),
    ]
    assert len({s.describe(1) for s in settings}) == len(settings)
    distinct = SearchSettings(0.95, masks="distinct")
    assert distinct.describe(1) == settings[0].describe(1)
    assert distinct.describe(2) != settings[0].describe(2)
