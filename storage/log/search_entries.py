"""The log entry of a search: the networks that one of its phases chose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storage.log.init_entries import FoundNetwork
from storage.log.strict import Count, Name, Strict


class SearchChoice(Strict):
    """The result of one phase of a search.

    A later entry with the same settings and phase replaces an earlier one.

    Attributes:
        settings: description of what was searched for.
        phase: 1 chooses structures, each with its best dense network; 2 chooses the sparsest
            network.
        trained: number of networks that were considered.
        reached: number of those that reached the target.
        networks: the chosen networks, the smallest first.
        chosen: UTC time, ISO 8601 with a Z.
    """

    kind: Literal["search"] = "search"
    settings: Name
    phase: Literal[1, 2]
    trained: Count
    reached: Count
    networks: list[FoundNetwork] = Field(min_length=1)
    chosen: Name
