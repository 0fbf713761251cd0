from __future__ import annotations

from pathlib import Path

import pytest

from search.catalogue import DEMO_STRIDES, STUDY_NAMES, resolve
from search.paper import PAPER_STUDIES


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_name_of_a_study_selects_all_of_it(name: str) -> None:
    (selection,) = resolve(name)
    assert selection.study.name == name
    assert selection.indices.intervals == ((0, len(selection.study)),)


def test_paper_selects_all_ten_studies_in_order() -> None:
    selections = resolve("paper")
    assert [selection.study.name for selection in selections] == list(PAPER_STUDIES)
    assert sum(len(selection) for selection in selections) == 485_838


def test_demo_samples_the_search_for_fresh_networks() -> None:
    demo = {selection.study.name: selection for selection in resolve("demo")}
    assert set(demo) == {"phase1", "phase2-95", "phase2-995"}
    assert sum(map(len, demo.values())) == 16_782
    for name, selection in demo.items():
        (everything,) = resolve(name)
        assert selection.study.digest == everything.study.digest
        assert selection.indices & everything.indices == selection.indices
        assert len(selection) == -(-len(everything) // DEMO_STRIDES[name])


@pytest.mark.parametrize("name", list(DEMO_STRIDES))
def test_demo_contains_every_value_of_a_setting(name: str) -> None:
    (selection,) = (one for one in resolve("demo") if one.study.name == name)
    experiments = [selection.study[index] for index in selection.indices]
    for field in ("lr", "schedule"):
        counts = {
            value: sum(getattr(experiment, field) == value for experiment in experiments)
            for value in selection.study.values(field)
        }
        assert min(counts.values()) > 0.9 * max(counts.values())
    depth = len(experiments[0].hidden)
    for layer in range(depth):
        widths = {experiment.hidden[layer] for experiment in experiments}
        assert widths == {s[layer] for s in selection.study.values("structure")}


def test_prefix_of_a_name_suggests_its_studies() -> None:
    with pytest.raises(ValueError, match="'phase2-95' or 'phase2-995'"):
        resolve("phase2")


def test_unknown_name_lists_the_known_names() -> None:
    with pytest.raises(ValueError, match=r"'phase2-96'.*'phase2-95'") as error:
        resolve("phase2-96")
    assert all(name in str(error.value) for name in STUDY_NAMES)


def test_name_of_a_sweep_file_without_its_ending_suggests_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phase3.toml").touch()
    with pytest.raises(ValueError, match=r"'phase3.toml'"):
        resolve("phase3")


def test_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(ValueError, match=r"'xyz'.*overparam, phase1"):
        resolve("xyz")
