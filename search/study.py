"""A study: a named, ordered, lazily indexed collection of experiments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, overload

from search.experiment import FRESH_INIT, TRAINING_VERSION, Experiment, without_defaults
from search.grid import Grid
from search.lineage import RowInit

_PAPER = Experiment()

_MAX_INT64 = 2**63 - 1
"""Maximum root seed and study index: results have 64-bit integers."""


@dataclass(frozen=True)
class Study(Sequence[Experiment]):
    """A sequence of experiments that are created on access, so that its size does not matter.

    Attributes:
        name: name of the study.
        description: one line for listings.
        grid: fields that vary.
        base: values of the other fields, such as the root seed; `name` replaces its `study`.
        paper_group: "random", "fixed-95" or "fixed-995"; None outside the paper.
        first_run_id: the authors' RUN_ID of the first experiment in its group.
        inits: tokens, NAME:DIGEST, of the stored initialisations known so far.
        left_out: number of impossible combinations that were omitted from the grid.
        file_sha256: SHA-256 of the sweep file that it was read from; not part of its identity.
    """

    name: str
    description: str
    grid: Grid
    base: Experiment = _PAPER
    paper_group: str | None = None
    first_run_id: int = 1
    inits: tuple[str, ...] = ()
    left_out: int = 0
    file_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.grid.size > _MAX_INT64:
            raise ValueError(
                f"{self.name} has about 10^{len(str(self.grid.size)) - 1} experiments; allowed: up "
                f"to 2^63 - 1"
            )

    def __len__(self) -> int:
        return self.grid.size

    @overload
    def __getitem__(self, index: int) -> Experiment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Experiment]: ...
    def __getitem__(self, index: int | slice) -> Experiment | list[Experiment]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"{self.name} has {len(self)} experiments, none at index {index}")
        return Experiment(**self.base_fields | self.updates(position))

    @cached_property
    def base_fields(self) -> dict[str, Any]:
        """Values of all fields of `Experiment`, which `updates` override."""
        fields = self._base_spec
        return fields | {"init": self._tokens.get(fields["init"], fields["init"])}

    def updates(self, index: int) -> dict[str, Any]:
        """Return the fields that the grid determines, with their values at an index from 0."""
        updates = self.grid[index]
        if "init" in updates:
            updates["init"] = self._tokens.get(updates["init"], updates["init"])
        return updates

    @cached_property
    def _base_spec(self) -> dict[str, Any]:
        return asdict(replace(self.base, study=self.name))

    @cached_property
    def _tokens(self) -> dict[str, str]:
        return {token.partition(":")[0]: token for token in self.inits}

    def definition(self) -> dict[str, Any]:
        """Return everything that decides the experiments, ids and order, as JSON values."""
        return {
            "training_version": TRAINING_VERSION,
            # As in ids, so that studies keep their digests.
            "base": without_defaults(self._base_spec),
            "grid": self.grid.definition(),
            "inits": sorted(self.inits),
        }

    @cached_property
    def digest(self) -> str:
        """Hash of the definition, 32 hexadecimal digits: BLAKE2b, 128 bits, of sorted JSON.

        Studies with equal digests have the same experiments in the same order.
        """
        text = json.dumps(self.definition(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def values(self, field: str) -> frozenset[Any]:
        """Return all values of a field in the study; stored initialisations by name."""
        return self.grid.values(field) or frozenset({self._base_spec[field]})

    @property
    def init_names(self) -> tuple[str, ...]:
        """Names of the stored initialisations that experiments start from, known or not."""
        inits = self.values("init") - {FRESH_INIT}
        return tuple(sorted(init for init in inits if RowInit.parse(init) is None))

    @property
    def parents(self) -> frozenset[RowInit]:
        """Rows whose networks experiments start from."""
        return frozenset(filter(None, map(RowInit.parse, self.values("init"))))

    def with_root_seed(self, root_seed: int) -> Study:
        """Return the same study with another root seed, 0 to 2^63 - 1; otherwise a ValueError."""
        if not 0 <= root_seed <= _MAX_INT64:
            raise ValueError(f"root seed cannot be {root_seed}; allowed: 0 to 2^63 - 1")
        return replace(self, base=replace(self.base, root_seed=root_seed))

    def with_init(self, token: str) -> Study:
        """Return the same study with a stored initialisation identified by its content.

        A ValueError if the token is not NAME:DIGEST, or the study does not use that name.
        """
        name, _, digest = token.partition(":")
        if not digest:
            raise ValueError(f"not NAME:DIGEST of a stored initialisation: {token!r}")
        if name not in self.init_names:
            uses = ", ".join(self.init_names) or "none"
            raise ValueError(f"{self.name} does not start from {name!r}; it uses: {uses}")
        kept = [known for known in self.inits if known.partition(":")[0] != name]
        return replace(self, inits=(*kept, token))

    def paper_run_id(self, index: int) -> int | None:
        """Return the authors' RUN_ID of the experiment at an index; None outside the paper."""
        return None if self.paper_group is None else self.first_run_id + index

    def label(self, index: int) -> str:
        """Return GROUP:RUN_ID of the authors; outside the paper NAME:NUMBER, from 1."""
        return f"{self.paper_group or self.name}:{self.first_run_id + index}"

    def sample(self, count: int) -> list[int]:
        """Return up to `count` indices spread evenly over the study, ascending."""
        if count >= len(self):
            return list(range(len(self)))
        return [(2 * number + 1) * len(self) // (2 * count) for number in range(count)]
