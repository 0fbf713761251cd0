"""The experiments that the words of a command name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UserError, user_errors
from search.catalogue import Selection, resolve
from search.indices import IndexSet
from search.study import Study

if TYPE_CHECKING:  # imported where they are needed, as they import numpy
    from search.layers import StoredInit
    from search.parts import Shard

MAX_SAMPLED = 2**63
"""Maximum number of experiments that a sample is drawn from."""

MAX_FILTERED = 10_000_000
"""Maximum number of experiments that a condition is evaluated for, which takes minutes."""

_FILTERED_TOGETHER = 100_000
"""Number of experiments whose columns are held in memory at a time."""

MAX_RANGES = 4
"""Maximum number of ranges of numbers in a message."""


Targets = list[Selection]
"""The experiments that a command is about, each study once, in the order of the words."""


def init_names(targets: Targets) -> list[str]:
    """Return the names of the stored initialisations that the studies start from."""
    return sorted({name for selection in targets for name in selection.study.init_names})


def chosen_targets(
    words: Sequence[str],
    root_seed: int,
    numbers: Sequence[int] | None = None,
    where: str | None = None,
    sample: int | None = None,
    shard: Shard | None = None,
) -> Targets:
    """Return the part of the named experiments that the options of a command choose."""
    targets = find_targets(words, root_seed)
    if numbers:
        targets = only_numbers(targets, numbers)
    if where is not None:
        targets = only_where(targets, where)
    if sample is not None:
        targets = only_sample(targets, sample, root_seed)
    if shard is not None:
        # A study with no experiment in the shard stays, with an empty selection.
        return [Selection(s.study, s.indices & shard.indices(len(s.study))) for s in targets]
    return targets


def left_out(targets: Targets) -> list[str]:
    """Return messages about the studies that leave out impossible combinations."""
    return [
        f"{s.study.name}: {s.study.left_out:,} combinations are left out: their target_nnz is not "
        "below the number of weights"
        for s in targets
        if s.study.left_out
    ]


def only_numbers(targets: Targets, numbers: Sequence[int]) -> Targets:
    """Return the experiments with these numbers (as `list` shows them), or raise `UserError`."""
    selections = []
    unknown = set(numbers)
    for selection in targets:
        first = selection.study.first_run_id
        found = selection.indices & IndexSet.from_indices(n - first for n in numbers if n >= first)
        unknown -= {first + index for index in found}
        if found:
            selections.append(Selection(selection.study, found))
    if unknown:
        available = "\n".join(f"  {s.study.name}: {_numbers(s)}" for s in targets)
        raise UserError(
            f"no experiment has the number {', '.join(map(str, sorted(unknown)))}; available are:\n"
            f"{available}\n`sparsest list STUDY` shows what each number is"
        )
    return selections


def _numbers(selection: Selection) -> str:
    """Return the numbers of a selection as ranges, without the middle ones of many.

    There are several ranges in a slice of a study, as in `demo`.
    """
    number_of_first = selection.study.first_run_id
    ranges = [
        f"{number_of_first + start} to {number_of_first + stop - 1}"
        if stop - start > 1
        else str(number_of_first + start)
        for start, stop in selection.indices.intervals
    ]
    if len(ranges) > MAX_RANGES:
        ranges[MAX_RANGES - 1 : -1] = ["..."]
    return ", ".join(ranges)


def only_where(targets: Targets, condition: str) -> Targets:
    """Return the experiments for which an SQL condition is true, or raise a `UserError`.

    It may use the columns that a study determines (`search.specification`).
    """
    # Imported here: without --where, DuckDB is not needed.
    from search.specification import SPECIFICATION_COLUMNS, specification_table
    from storage.errors import QueryError
    from storage.reading.matching import matching_experiments
    from storage.reading.views import VIEW_EXPRESSIONS

    total = sum(map(len, targets))
    if total > MAX_FILTERED:
        raise UserError(
            f"--where: there are {total:,} experiments; allowed: {MAX_FILTERED:,}. Describe the "
            "ones that you want in a sweep file"
        )
    selections = []
    for selection in targets:
        indices = iter(selection.indices)
        found: list[int] = []
        while some := list(islice(indices, _FILTERED_TOGETHER)):
            table = specification_table(selection.study, some)
            try:
                found += matching_experiments(table, condition)
            except QueryError as error:
                columns = ", ".join([*SPECIFICATION_COLUMNS, *VIEW_EXPRESSIONS])
                raise UserError(
                    f"--where: {error}\nThe condition can use the columns that need no training: "
                    f"{columns}"
                ) from error
        if found:
            selections.append(Selection(selection.study, IndexSet.from_indices(found)))
    if not selections:
        raise UserError(
            f"--where {condition!r}: none of the {total:,} experiments meets it; "
            "`sparsest list STUDY` shows what they are"
        )
    return selections


def only_sample(targets: Targets, count: int, root_seed: int) -> Targets:
    """Return a random part of up to `MAX_SAMPLED` experiments, a part of every larger one.

    It depends on the numbers of experiments and on the root seed, not on what is stored.
    """
    # Imported here: without --sample, numpy is not needed.
    from search.parts import members_at, sample_positions

    total = sum(map(len, targets))
    if total <= count:
        return targets
    if total > MAX_SAMPLED:
        raise UserError(
            f"--sample {count}: there are {total:,} experiments; allowed: {MAX_SAMPLED:,}"
        )
    positions = sample_positions(total, count, root_seed)
    selections = []
    first = 0
    for selection in targets:
        last = first + len(selection)
        ours = positions[(positions >= first) & (positions < last)] - first
        if ours.size:
            found = members_at(selection.indices, ours.tolist())
            selections.append(Selection(selection.study, found))
        first = last
    return selections


def find_targets(words: Sequence[str], root_seed: int = 0) -> Targets:
    """Return the experiments that the words of a command name, or raise a `UserError`.

    A word is the name of a study, `paper`, `demo`, or the path of a sweep file (ending in .toml).
    """
    merged: dict[str, Selection] = {}
    for word in words:
        with user_errors():
            is_file = word.endswith(".toml")
            found = [Selection.of_study(_load(Path(word)))] if is_file else resolve(word)
            selections = [Selection(s.study.with_root_seed(root_seed), s.indices) for s in found]
        for selection in selections:
            study = selection.study
            before = merged.get(study.digest)
            indices = selection.indices if before is None else selection.indices | before.indices
            merged[study.digest] = Selection(study, indices)
    names: dict[str, str] = {}
    for digest, selection in merged.items():
        if names.setdefault(selection.study.name, digest) != digest:
            raise UserError(f"two different sweep files are both named {selection.study.name!r}")
    return list(merged.values())


def _load(path: Path) -> Study:
    """Return the study of a sweep file."""
    # Imported here: the paper's studies need none of it.
    from search.sweeps.file import SweepFileError, load_sweep

    try:
        return load_sweep(path)
    except SweepFileError as error:
        from orchestrator.plugins import all_plugins
        from search.datasets import dataset_names
        from search.methods import all_methods

        # A name that is reported as unknown may be that of a broken plug-in.
        known = {*all_methods(), *dataset_names()}
        broken = [plugin for plugin in all_plugins() if plugin.name not in known]
        named = [str(plugin) for plugin in broken if repr(plugin.name) in str(error)]
        raise UserError("\n".join([str(error), *named])) from error


def generated_study(text: str, name: str, root_seed: int) -> Study:
    """Return the study of a sweep file that a command has generated, or raise `UserError`."""
    from search.sweeps.file import parse_sweep

    with user_errors():
        return parse_sweep(text.encode(), Path(f"{name}.toml")).with_root_seed(root_seed)


def with_inits(targets: Targets, inits: Mapping[str, StoredInit]) -> Targets:
    """Return the same experiments with stored initialisations named by their tokens."""

    def resolved(study: Study) -> Study:
        for name in study.init_names:
            if name in inits:
                study = study.with_init(inits[name].token)
        return study

    return [Selection(resolved(s.study), s.indices) for s in targets]
