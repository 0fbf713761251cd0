"""Where things lie in the folder of a report."""

from __future__ import annotations

from typing import Final

INDEX: Final = "index.html"
FIGURES: Final = "figures"
CSV: Final = "tables"
DRAWINGS: Final = "networks"

MARKER: Final = "report.json"
"""Says that the folder is a report, so that it may be replaced."""
