"""Numbers and the fewest weights as text."""

from __future__ import annotations

import pyarrow as pa
import pytest

from orchestrator.display.formatting import (
    about_core_hours,
    counted,
    human_bytes,
    human_hours,
    human_seconds,
)
from orchestrator.display.store_summary import FewestWeights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (human_bytes(0), "0 B"),
        (human_bytes(1_499), "1 kB"),
        (human_bytes(116_000_000), "116 MB"),
        (human_bytes(2_340_000_000_000), "2340.0 GB"),
        (human_hours(0), "0.00"),
        (human_hours(0.001), "<0.01"),
        (human_hours(0.034), "0.03"),
        (human_hours(1234.56), "1,234.6"),
        (about_core_hours(0.001), "less than 0.01 core-hours"),
        (about_core_hours(1.68), "about 1.7 core-hours"),
        (human_seconds(0.44), "0.4 s"),
        (human_seconds(59.6), "60 s"),
        (human_seconds(150), "2.5 min"),
        (human_seconds(9000), "2.5 h"),
        (counted(1, "file"), "1 file"),
        (counted(0, "row"), "0 rows"),
        (counted(1200, "row"), "1,200 rows"),
    ],
)
def test_number_has_the_digits_that_matter(text: str, expected: str) -> None:
    assert text == expected


def table(*rows: tuple[float | None, int | None]) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "dataset": pa.array(["cubist-spiral"] * len(rows), pa.string()),
            "accuracy": pa.array([accuracy for accuracy, _ in rows], pa.float64()),
            "weight_nnz": pa.array([weights for _, weights in rows], pa.int32()),
        }
    )


def test_fewest_weights_ignore_networks_below_the_target() -> None:
    best = FewestWeights()
    assert str(best) == "none at 95 % yet"
    best.update(table((None, None), (0.94999, 3)))
    assert best.by_target == {}
    best.update(table((0.95, 17), (0.96, 20)))
    best.update(table((0.999, 19), (0.951, 18)))
    assert best.by_target == {0.95: 17, 0.995: 19}
    assert str(best) == "17 weights at 95 %, 19 weights at 99.5 %"
    best.update(table())
    best.update(table((0.995, 1)))
    assert str(best) == "1 weight at 95 %, 1 weight at 99.5 %"
