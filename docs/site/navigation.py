"""The order of the manual's pages.

A page that is named here and does not exist is left out. One that exists and is not named here
fails the build, since nobody would find it.
"""

from __future__ import annotations

from typing import Final

NAVIGATION: Final[dict[str, tuple[str, ...]]] = {
    "Begin": ("docs/first-sweep", "docs/sweep-files", "docs/search"),
    "Results": (
        "docs/results",
        "docs/report",
        "docs/gallery",
        "docs/published",
        "docs/sql",
        "docs/notebooks",
    ),
    "Extend": ("docs/own-method", "docs/own-dataset"),
    "Run at scale": (
        "docs/cluster",
        "docs/several-machines",
        "docs/scale",
        "docs/speed",
        "docs/reliability",
        "docs/security",
    ),
    "Be sure": ("docs/paper", "docs/fidelity", "docs/reproducibility", "docs/store"),
    "Reference": ("docs/reference/commands", "docs/reference/functions"),
    "The project": ("CONTRIBUTING", "CHANGELOG", "docs/decisions/*"),
}
"""Heading -> pages, by their paths without the suffix; * stands for all pages of a folder."""
