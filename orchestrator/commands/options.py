"""Arguments and options that several commands share, and the locations of stores."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isfinite, nextafter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from orchestrator.commands.executors import DeviceChoice, ExecutorChoice
from storage.errors import BadAddress
from storage.remote.objects import S3Address, is_address

if TYPE_CHECKING:  # it imports numpy, which most commands do not need
    from search.parts import Shard


_MAX_NAME_BYTES = 255
"""Maximum length of a file's or folder's name on every usual file system."""


@dataclass(frozen=True)
class StoreOnS3:
    """A store on S3.

    Attributes:
        may_be_missing: True if the command accepts a missing store.
    """

    address: S3Address
    may_be_missing: bool

    def folder(self) -> Path:
        """Return the folder of the working copy, after updating it, or raise a `StoreError`."""
        # Imported here: it takes longer than most commands, whose stores are folders.
        from search.cache_folder import cache_folder
        from storage.remote.working_copy import working_copy

        return working_copy(self.address, cache_folder(), may_be_missing=self.may_be_missing)


def store_location(text: str, *, may_be_missing: bool = False) -> Path | StoreOnS3:
    """Return the location of a store that has to exist, without looking at it.

    Raises:
        typer.BadParameter: the text names no folder, or is not a valid address on S3.
    """
    if not is_address(text):
        if not text:  # its path would be the current folder
            raise typer.BadParameter("it is empty; name a folder, or s3://BUCKET/PREFIX")
        if any(len(os.fsencode(part)) > _MAX_NAME_BYTES for part in Path(text).parts):
            raise typer.BadParameter(f"a name in it is longer than {_MAX_NAME_BYTES} bytes")
        return Path(text)
    try:
        return StoreOnS3(S3Address.parse(text), may_be_missing)
    except BadAddress as error:
        raise typer.BadParameter(str(error)) from error


def new_store_location(text: str) -> Path | StoreOnS3:
    """Return the location of a store that may be missing; see `store_location`."""
    return store_location(text, may_be_missing=True)


def local_argument(argument: object) -> object:
    """Return an argument, or a list of them, with folders instead of stores on S3."""
    if isinstance(argument, list):
        return [local_argument(item) for item in argument]
    return argument.folder() if isinstance(argument, StoreOnS3) else argument


_N = TypeVar("_N", int, float)


def whole_number(help: str, *names: str, minimum: int = 1, maximum: int = 2**31 - 1) -> Any:
    """Return an option for a whole number in a range."""
    allowed = f"whole number from {minimum:,} to {maximum:,}"
    parser = _parser(int, lambda value: minimum <= value <= maximum, allowed)
    return typer.Option(*names, metavar="N", parser=parser, help=help)


def number(
    help: str,
    metavar: str,
    *,
    minimum: float = 0,
    excluding_zero: bool = False,
    maximum: float = inf,
) -> Any:
    """Return an option for a finite number from a minimum, or above 0, to a maximum."""
    allowed = "above 0" if excluding_zero else f"{minimum:g} or more"
    if maximum < inf:
        allowed += f" and at most {maximum:g}"
    least = nextafter(0, inf) if excluding_zero else minimum
    parser = _parser(float, lambda n: isfinite(n) and least <= n <= maximum, f"number {allowed}")
    return typer.Option(metavar=metavar, parser=parser, help=help)


def _parser(
    kind: Callable[[str], _N], is_allowed: Callable[[_N], bool], allowed: str
) -> Callable[[str], _N]:
    def parse(text: str) -> _N:
        with suppress(ValueError):
            if is_allowed(value := kind(text)):
                return value
        raise typer.BadParameter(f"{text} is not allowed; give a {allowed}")

    return parse


def parse_shard(text: str | None) -> Shard | None:
    """Return the shard that --shard describes, if given, or raise typer.BadParameter."""
    if text is None:
        return None
    from search.parts import Shard

    try:
        return Shard.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shard") from error


def option(metavar: str, help: str, *names: str) -> Any:
    """Return an option with a value."""
    return typer.Option(*names, metavar=metavar, help=help)


def flag(names: str, help: str) -> Any:
    """Return an option without a value, such as "--json"."""
    return typer.Option(names, help=help)


def argument(metavar: str, help: str) -> Any:
    """Return an argument."""
    return typer.Argument(metavar=metavar, help=help)


def output_option(help: str, metavar: str = "F") -> Any:
    """Return the option --output, or -o, of a command that writes a file or folder."""
    return option(metavar, help, "--output", "-o")


StudyWords = Annotated[
    list[str],
    argument(
        "STUDY|FILE.toml",
        "Studies by name (`sparsest studies` lists them), `paper`, `demo`, or sweep files.",
    ),
]
_STORE_HELP = "Folder of the store, or s3://BUCKET/PREFIX."
_STORE = typer.Option("--store", metavar="D", parser=store_location, help=_STORE_HELP)
StorePath = Annotated[Path, _STORE]
MaybeStorePath = Annotated[Path | None, _STORE]
NewStorePath = Annotated[
    Path, typer.Option("--store", metavar="D", parser=new_store_location, help=_STORE_HELP)
]
Published = Annotated[
    bool,
    flag(
        "--published",
        "Use the published results of the paper's studies instead of a store. They have no "
        "weights.",
    ),
]
InitFile = Annotated[
    Path | None,
    option(
        "F",
        "Torch file of the stored initialisation that an experiment starts from, if the "
        "results do not contain how to make it.",
    ),
]
Overwrite = Annotated[bool, flag("--overwrite", "Replace an existing file.")]
Dark = Annotated[bool, flag("--dark", "Draw on a dark background.")]
ShardWord = Annotated[
    str | None,
    option(
        "K/N", "Use only part K of N disjoint parts of the experiments, such as 3/16.", "--shard"
    ),
]
Where = Annotated[
    str | None,
    option(
        "SQL",
        "Use only the experiments for which this condition is true, such as \"method = 'gmp' AND "
        'width <= 64". The columns are those of `results` that need no training.',
    ),
]
Sample = Annotated[
    int | None,
    whole_number(
        "Use a random part of N experiments, which --root-seed decides; a larger N adds to it."
    ),
]
Retry = Annotated[
    str | None,
    option(
        "S",
        "Also train the experiments again whose stored rows have this status: failed, "
        "diverged, or failed,diverged. The new rows replace the old ones.",
    ),
]
AsJson = Annotated[bool, flag("--json", "Print JSON, for programs.")]
Calibrate = Annotated[bool, flag("--calibrate", "Measure this machine's speed again.")]
RootSeed = Annotated[
    int,
    whole_number(
        "Seed of every random number; experiments with another seed are different ones.",
        minimum=0,
        maximum=2**63 - 1,
    ),
]

# Options of the commands that train
Limit = Annotated[int | None, whole_number("Train at most N experiments now.")]
Workers = Annotated[
    int | None,
    whole_number("Maximum number of Ray workers [default: one per CPU or GPU]", maximum=100_000),
]
ExecutorName = Annotated[
    ExecutorChoice,
    typer.Option(
        help="Ray workers, or this process (inline). auto trains inline if that takes a few "
        "seconds."
    ),
]
Address = Annotated[
    str | None, option("A", "Ray cluster to join [default: start Ray on this machine]")
]
DeviceName = Annotated[
    DeviceChoice,
    typer.Option(help="Devices to train on; auto is all CPUs and GPUs."),
]
