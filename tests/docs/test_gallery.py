"""The pictures in docs/gallery, and the pages that show and explain them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sparsest
from benchmarks.report_pictures import FIGURES
from tests.docs.pages import ROOT, prose, the_code

PAGE = ROOT / "docs" / "gallery.md"
HOW_TO = ROOT / "docs" / "draw-networks.md"
PICTURES = sorted((ROOT / "docs" / "gallery").iterdir())
REPORT_PICTURES = [picture for picture in PICTURES if picture.name.startswith("report-")]
PLOT = "records.svg"
DRAWINGS = [
    picture for picture in PICTURES if picture not in REPORT_PICTURES and picture.name != PLOT
]
LARGEST_BYTES = 500_000
SVG = "{http://www.w3.org/2000/svg}"


def test_page_shows_every_picture_with_its_command() -> None:
    shown = re.findall(r"!\[[^\]]*\]\(gallery/([^)]+)\)", prose(PAGE))
    made = re.findall(r"-o docs/gallery/(\S+)", prose(PAGE))
    report_pictures = [name for name in shown if name.startswith("report-")]
    assert [name for name in shown if name not in report_pictures] == made
    assert sorted(shown) == [picture.name for picture in PICTURES]
    assert sorted(name for name in report_pictures if name.endswith(".svg")) == sorted(
        f"report-{name}.svg" for name in FIGURES
    )


@pytest.mark.parametrize("picture", REPORT_PICTURES, ids=lambda picture: picture.name)
def test_report_picture_is_small(picture: Path) -> None:
    assert picture.stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("picture", DRAWINGS, ids=lambda picture: picture.name)
def test_drawing_has_as_many_curves_as_its_title_states(picture: Path) -> None:
    text = picture.read_text()
    # Text is drawn as curves; the words are in a comment.
    titles = re.findall(r"<!-- .*: (\d+) weights.* %(?: accuracy(?: on .*)?)? -->", text)
    stated = [int(count) for count in titles]
    groups = {
        group.get("id"): len(group.findall(f"{SVG}path"))
        for group in ElementTree.fromstring(text).iter(f"{SVG}g")
    }
    kinds = ("connected", "disconnected", "dead")
    drawn = [
        sum(groups.get(f"network-{number}-{kind}", 0) for kind in kinds)
        for number in range(1, len(stated) + 1)
    ]
    assert drawn == stated
    assert stated


def test_page_code_draws_a_network(
    store: sparsest.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = the_code(HOW_TO, "python").replace("runs/paper", str(Path("runs/paper").absolute()))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "best.svg").read_text().startswith("<?xml")
