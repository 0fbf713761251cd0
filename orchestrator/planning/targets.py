"""From the words of a command to the experiments that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.plugins import all_plugins
from search.catalogue import Selection, resolve
from search.datasets import dataset_names
from search.indices import IndexSet
from search.methods import all_methods
from search.shards import Shard
from search.study import Study

RANGES = 4
"""Ranges of numbers that a message has at most."""


@dataclass(frozen=True)
class Targets:
    """What a command is about.

    Attributes:
        selections: the experiments, each study once, in the order of the words.
        sweep_files: name -> SHA-256 of the sweep files among the words.
    """

    selections: list[Selection]
    sweep_files: dict[str, str]

    @property
    def init_names(self) -> list[str]:
        """Names of the stored initialisations that any of the studies starts from."""
        return sorted({name for s in self.selections for name in s.study.init_names})

    @property
    def left_out(self) -> list[str]:
        """A note on each study that leaves impossible combinations out."""
        return [
            f"{s.study.name}: {s.study.left_out:,} combinations are left out, because their "
            "target_nnz is not below the number of weights"
            for s in self.selections
            if s.study.left_out
        ]


def only_numbers(targets: Targets, numbers: Sequence[int]) -> Targets:
    """Of the experiments, those with the given numbers: RUN_IDs, or numbers as `list` shows them.

    Raises:
        UserError: no experiment has such a number.
    """
    selections = []
    unknown = set(numbers)
    for selection in targets.selections:
        first = selection.study.first_run_id
        found = selection.indices & IndexSet.from_indices(n - first for n in numbers if n >= first)
        unknown -= {first + index for index in found}
        if found:
            selections.append(Selection(selection.study, found))
    if unknown:
        there_are = "\n".join(f"  {s.study.name}: {_numbers(s)}" for s in targets.selections)
        raise UserError(
            f"no experiment has the number {', '.join(map(str, sorted(unknown)))}; there are:\n"
            f"{there_are}\n`sparsest list STUDY` shows what each number is"
        )
    return Targets(selections, targets.sweep_files)


def _numbers(selection: Selection) -> str:
    """The numbers of a selection's experiments, as ranges; of many ranges the first and the last.

    Only a slice of a study, as `demo` has, has gaps.
    """
    number_of_first = selection.study.first_run_id
    ranges = [
        f"{number_of_first + start} to {number_of_first + stop - 1}"
        if stop - start > 1
        else str(number_of_first + start)
        for start, stop in selection.indices.intervals
    ]
    if len(ranges) > RANGES:
        ranges[RANGES - 1 : -1] = ["..."]
    return ", ".join(ranges)


def only_shard(targets: Targets, shard: Shard) -> Targets:
    """Of the experiments, those in one of several disjoint parts of their studies.

    A study without any stays, with none of its experiments.
    """
    selections = [
        Selection(s.study, s.indices & shard.indices(len(s.study))) for s in targets.selections
    ]
    return Targets(selections, targets.sweep_files)


def parse_shard(text: str) -> Shard:
    """A shard as a command's option has it.

    Raises:
        UserError: there is no such shard.
    """
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise UserError(f"--shard: {error}") from error


def find_targets(words: Sequence[str], root_seed: int = 0) -> Targets:
    """The experiments that the words of a command stand for.

    Args:
        words: names of studies, `paper`, `demo`, or paths of sweep files (ending in .toml).
        root_seed: of all random numbers.

    Raises:
        UserError: an unknown name, a sweep file that cannot be used, or an impossible root seed.
    """
    merged: dict[str, Selection] = {}
    sweep_files = {}
    for word in words:
        for selection in _selections(word, root_seed):
            study = selection.study
            if study.file_sha256 is not None:
                sweep_files[study.name] = study.file_sha256
            before = merged.get(study.digest)
            indices = selection.indices if before is None else selection.indices | before.indices
            merged[study.digest] = Selection(study, indices)
    names: dict[str, str] = {}
    for digest, selection in merged.items():
        if names.setdefault(selection.study.name, digest) != digest:
            raise UserError(f"two different sweep files are both named {selection.study.name!r}")
    return Targets(list(merged.values()), sweep_files)


def _selections(word: str, root_seed: int) -> list[Selection]:
    try:
        found = [Selection.of_study(_load(Path(word)))] if word.endswith(".toml") else resolve(word)
        return [Selection(s.study.with_root_seed(root_seed), s.indices) for s in found]
    except ValueError as error:
        raise UserError(str(error)) from error


def _load(path: Path) -> Study:
    """The study of a sweep file, held against the methods and data sets that there are."""
    # Imported here: the paper's studies need none of it.
    from search.sweeps.file import SweepFileError, load_sweep

    try:
        return load_sweep(path)
    except SweepFileError as error:
        # What is called unknown may be a plug-in that is installed and broken.
        known = {*all_methods(), *dataset_names()}
        broken = [plugin for plugin in all_plugins() if plugin.name not in known]
        named = [str(plugin) for plugin in broken if repr(plugin.name) in str(error)]
        raise UserError("\n".join([str(error), *named])) from error


def generated_study(text: str, name: str, root_seed: int) -> Study:
    """The study of a sweep file that a command has written for itself.

    Args:
        text: the file.
        name: what messages call it.
        root_seed: of all random numbers.

    Raises:
        UserError: it is not accepted.
    """
    from search.sweeps.file import parse_sweep

    try:
        study = parse_sweep(text.encode(), Path(f"{name}.toml"))
        return study.with_root_seed(root_seed)
    except ValueError as error:
        raise UserError(str(error)) from error


def with_inits(targets: Targets, tokens: Mapping[str, str]) -> Targets:
    """The same experiments with their stored initialisations named by content, where known.

    Args:
        targets: what a command is about.
        tokens: name of a stored initialisation -> NAME:DIGEST.
    """

    def resolved(study: Study) -> Study:
        for name in study.init_names:
            if name in tokens:
                study = study.with_init(tokens[name])
        return study

    selections = [Selection(resolved(s.study), s.indices) for s in targets.selections]
    return Targets(selections, targets.sweep_files)
