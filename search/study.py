"""A study: a named, ordered, lazily indexed collection of experiments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, overload

from search.experiment import FRESH_INIT, TRAINING_VERSION, Experiment
from search.grid import Grid

_PAPER = Experiment()

_MAX_INT64 = 2**63 - 1
"""Results hold root seeds and places in a study as 64-bit integers."""


@dataclass(frozen=True)
class Study(Sequence[Experiment]):
    """Experiments by their place, made when asked for: 10^9 of them cost as little as ten.

    Attributes:
        name: what commands call it.
        description: one line for listings.
        grid: the fields that vary.
        base: the values of the fields that do not, the root seed among them; `study` is ignored,
            `name` takes its place.
        paper_group: "random", "fixed-95" or "fixed-995"; None outside the paper.
        first_run_id: the authors' RUN_ID of the first experiment in its group.
        inits: tokens, NAME:DIGEST, of the stored initialisations given so far.
        left_out: experiments that the grid would have but that are impossible.
        file_sha256: SHA-256 of the sweep file that it was read from; no part of its identity.
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
                f"{self.name} has about 10^{len(str(self.grid.size)) - 1} experiments, "
                f"at most 2^63 - 1 can be numbered"
            )

    def __len__(self) -> int:
        return self.grid.size

    @overload
    def __getitem__(self, index: int) -> Experiment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Experiment]: ...
    def __getitem__(self, index: int | slice) -> Experiment | list[Experiment]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"{self.name} has {len(self)} experiments, none at index {index}")
        return Experiment(**self.base_fields | self.updates(place))

    def __iter__(self) -> Iterator[Experiment]:
        return (self[index] for index in range(len(self)))

    @cached_property
    def base_fields(self) -> dict[str, Any]:
        """Value of every field of `Experiment`; those of `updates` have others."""
        fields = self._base_spec
        return fields | {"init": self._tokens.get(fields["init"], fields["init"])}

    def updates(self, index: int) -> dict[str, Any]:
        """The fields that the grid decides, and their values at an index from 0 on."""
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
        """All that decides the experiments, their ids and their order, as plain JSON."""
        base = dict(self._base_spec)
        if not base["hyperparameters"]:
            # As in the ids: studies of before there were any keep their digests.
            del base["hyperparameters"]
        return {
            "training_version": TRAINING_VERSION,
            "base": base,
            "grid": self.grid.definition(),
            "inits": sorted(self.inits),
        }

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits: BLAKE2b, 128 bits, of the definition as sorted JSON.

        Studies of equal digest hold the same experiments in the same order. Another root seed,
        stored initialisation, version of the training or name makes other experiments, so it gives
        another digest.
        """
        text = json.dumps(self.definition(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def values(self, field: str) -> frozenset[Any]:
        """All values of a field of `Experiment` over the study, stored initialisations by name."""
        return self.grid.values(field) or frozenset({self._base_spec[field]})

    @property
    def methods(self) -> frozenset[str]:
        """All methods in use."""
        return self.values("method")

    @property
    def init_names(self) -> tuple[str, ...]:
        """Names of the stored initialisations that experiments start from, given or not."""
        return tuple(sorted(self.values("init") - {FRESH_INIT}))

    @property
    def init_name(self) -> str | None:
        """The name of the stored initialisation, None where none is used.

        Raises:
            ValueError: there are several; see `init_names`.
        """
        if len(self.init_names) > 1:
            raise ValueError(f"{self.name} uses several: {', '.join(self.init_names)}")
        return self.init_names[0] if self.init_names else None

    def with_root_seed(self, root_seed: int) -> Study:
        """The same study with every random number drawn anew.

        Raises:
            ValueError: not 0 <= root_seed < 2^63.
        """
        if not 0 <= root_seed <= _MAX_INT64:
            raise ValueError(f"root seed {root_seed} is not possible: 0 to 2^63 - 1 are allowed")
        return replace(self, base=replace(self.base, root_seed=root_seed))

    def with_init(self, token: str) -> Study:
        """The same study with a stored initialisation named by its content, NAME:DIGEST.

        Raises:
            ValueError: the token has another form, or the study does not use that name.
        """
        name, _, digest = token.partition(":")
        if not digest:
            raise ValueError(f"not NAME:DIGEST of a stored initialisation: {token!r}")
        if name not in self.init_names:
            uses = ", ".join(self.init_names) or "none"
            raise ValueError(f"{self.name} does not start from {name!r}; it uses: {uses}")
        kept = [given for given in self.inits if given.partition(":")[0] != name]
        return replace(self, inits=(*kept, token))

    def paper_run_id(self, index: int) -> int | None:
        """The authors' RUN_ID of the experiment at an index, None outside the paper."""
        return None if self.paper_group is None else self.first_run_id + index

    def label(self, index: int) -> str:
        """GROUP:RUN_ID as the authors number it; outside the paper NAME:1 and on."""
        return f"{self.paper_group or self.name}:{self.first_run_id + index}"

    def sample(self, count: int) -> list[int]:
        """Up to `count` indices spread evenly over the study, ascending."""
        if count >= len(self):
            return list(range(len(self)))
        return [(2 * place + 1) * len(self) // (2 * count) for place in range(count)]
