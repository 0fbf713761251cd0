"""docs/gallery.md and the pictures in docs/gallery: drawings, and those of the report."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sparsest
from benchmarks.report_pictures import FIGURES
from tests.docs.pages import ROOT, prose, the_code

PAGE = ROOT / "docs" / "gallery.md"
PICTURES = sorted((ROOT / "docs" / "gallery").iterdir())
OF_THE_REPORT = [picture for picture in PICTURES if picture.name.startswith("report-")]
DRAWINGS = [picture for picture in PICTURES if picture not in OF_THE_REPORT]
LARGEST_BYTES = 500_000
SVG = "{http://www.w3.org/2000/svg}"


def test_pictures_are_not_those_of_the_page() -> None:
    shown = re.findall(r"!\[[^\]]*\]\(gallery/([^)]+)\)", prose(PAGE))
    made = re.findall(r"-o docs/gallery/(\S+)", prose(PAGE))
    of_the_report = [name for name in shown if name.startswith("report-")]
    assert [name for name in shown if name not in of_the_report] == made
    assert sorted(shown) == [picture.name for picture in PICTURES]
    assert sorted(name for name in of_the_report if name.endswith(".svg")) == sorted(
        f"report-{name}.svg" for name in FIGURES
    )


@pytest.mark.parametrize("picture", OF_THE_REPORT, ids=lambda picture: picture.name)
def test_picture_of_the_report_weighs_more_than_a_page(picture: Path) -> None:
    assert picture.stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("picture", DRAWINGS, ids=lambda picture: picture.name)
def test_picture_has_other_weights_than_it_says(picture: Path) -> None:
    text = picture.read_text()
    # Text is drawn as curves, with the words as a comment.
    titles = re.findall(r"<!-- .*: (\d+) weights.* %(?: accuracy)? -->", text)
    said = [int(count) for count in titles]
    groups = {
        group.get("id"): len(group.findall(f"{SVG}path"))
        for group in ElementTree.fromstring(text).iter(f"{SVG}g")
    }
    kinds = ("connected", "disconnected")
    drawn = [
        sum(groups.get(f"network-{number}-{kind}", 0) for kind in kinds)
        for number in range(1, len(said) + 1)
    ]
    assert drawn == said
    assert said


def test_page_s_lines_draw_nothing(
    store: sparsest.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = the_code(PAGE, "python").replace("runs/paper", str(Path("runs/paper").absolute()))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "best.svg").read_text().startswith("<?xml")
