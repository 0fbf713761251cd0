"""Order of the manual's pages.

A page that exists and is not listed here fails the build, because no reader would find it. A listed
page that does not exist is left out.
"""

from __future__ import annotations

from typing import Final

NAVIGATION: Final[dict[str, tuple[str, ...]]] = {
    "Tutorials": ("docs/first-sweep", "docs/notebooks"),
    "How-to guides": (
        "docs/search",
        "docs/sweep-recipes",
        "docs/sql",
        "docs/report",
        "docs/draw-networks",
        "docs/published",
        "docs/add-a-method",
        "docs/add-a-data-set",
        "docs/manage-a-store",
        "docs/s3",
        "docs/cluster",
        "docs/several-machines",
    ),
    "Reference": (
        "docs/reference/commands",
        "docs/reference/functions",
        "docs/sweep-files",
        "docs/pruning-methods",
        "docs/data-sets",
        "docs/store",
        "docs/results-tables",
    ),
    "Explanation": (
        "docs/paper",
        "docs/results",
        "docs/depth-ablation",
        "docs/other-tasks",
        "docs/more-methods",
        "docs/closing-the-gap",
        "docs/records",
        "docs/lower-bound",
        "docs/gallery",
        "docs/fidelity",
        "docs/reproducibility",
        "docs/reliability",
        "docs/security",
        "docs/speed",
        "docs/scale",
        "docs/decisions/*",
    ),
    "The project": ("CONTRIBUTING", "CHANGELOG"),
}
"""Heading -> paths of its pages without suffix; * stands for all pages of a folder."""
