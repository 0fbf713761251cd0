"""Create the report's pictures in docs/gallery: figures of the published results, screenshots.

    python -m benchmarks.report_pictures     # a minute; needs chromium and chromedriver

The figures come from the report's folder `figures`. The screenshots show a report without drawings:
light, dark and phone-sized.
"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from analysis.report.build import Options, build_report
from benchmarks.browser import chromium, open_report
from search.cache_folder import cache_folder
from storage.paths import published_folder
from storage.published.reader import PublishedReader

GALLERY = Path(__file__).resolve().parents[1] / "docs" / "gallery"

FIGURES = (
    "accuracy-front",
    "accuracy-front-panels",
    "weights-needed-panels",
    "weights-by-width-panels",
    "disconnected",
    "prunable-panels",
    "best-initialisation-panels",
    "random-masks",
)
"""Figures shown in docs/gallery.md."""

_SCREENS = {"light": (1200, 1060, False), "dark": (1200, 1060, True), "narrow": (380, 1280, False)}


def main() -> None:
    """Build a report of the published results in a temporary folder and capture its pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "report"
        options = Options("The published results", "--published", draw=False)
        with PublishedReader(published_folder(), cache_folder()) as reader:
            build_report(reader, folder, options, lambda step, done, of: None)
        for name in FIGURES:
            shutil.copyfile(folder / "figures" / f"{name}.svg", GALLERY / f"report-{name}.svg")
        for name, (width, height, dark) in _SCREENS.items():
            with chromium(width, height, dark=dark) as browser:
                milliseconds = open_report(browser, folder)
                print(f"{name}: first plot after {milliseconds} ms")
                screenshot = Image.open(BytesIO(browser.get_screenshot_as_png()))
            # 256 colours take a third of the size.
            reduced = screenshot.convert("RGB").quantize(256)
            reduced.save(GALLERY / f"report-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
