"""The log entry of a search: what a phase of it has chosen."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storage.log.init_entries import FoundNetwork
from storage.log.strict import Count, Name, Strict


class SearchChoice(Strict):
    """A phase of a search has ended, and these networks were chosen.

    A later entry with the same settings and phase takes the place of an earlier one.

    Attributes:
        settings: what was searched for, in words.
        phase: 1 chooses structures, each with the best dense network of it; 2 the sparsest network.
        trained: networks among which it was chosen.
        reached: those of them that reached the target.
        networks: the chosen ones, the smallest first.
        chosen: UTC, ISO 8601 with a Z.
    """

    kind: Literal["search"] = "search"
    settings: Name
    phase: Literal[1, 2]
    trained: Count
    reached: Count
    networks: list[FoundNetwork] = Field(min_length=1)
    chosen: Name
