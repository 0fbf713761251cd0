"""Counting what a sweep has stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from storage.log.entries import RowsCommitted, Status, no_rows_by_status


@dataclass
class SweepTotals:
    """What the present sweep has stored so far; buffered rows do not count.

    Attributes:
        stored: rows.
        by_status: status -> number of rows.
        train_seconds: core seconds of training.
        parts: data files.
        bytes: of those files.
    """

    stored: int = 0
    by_status: dict[Status, int] = field(default_factory=no_rows_by_status)
    train_seconds: float = 0.0
    parts: int = 0
    bytes: int = 0

    def add(self, part: RowsCommitted) -> None:
        """Counts a data file that was made durable."""
        self.stored += part.rows
        self.train_seconds += part.train_seconds
        self.parts += 1
        self.bytes += part.bytes
        for status, count in part.by_status.items():
            self.by_status[status] += count
