"""The report of a campaign."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, NoReturn

import numpy as np


def finish(report: dict[str, Any]) -> NoReturn:
    """Print a report as one line of JSON and end the program; its key `holds` is the verdict."""
    plain = {
        key: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        for key, value in report.items()
    }
    print(json.dumps(plain), flush=True)
    sys.exit(0 if report["holds"] else 1)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the maximum of some times, in seconds."""
    if not seconds:
        return {}
    return {"median": round(float(np.median(seconds)), 2), "most": round(max(seconds), 2)}
