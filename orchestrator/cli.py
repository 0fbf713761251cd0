"""The command line: its commands, their exit codes, and how errors are reported."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ParamSpec, cast

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from orchestrator.display.output import guarded_streams
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.stopping import Terminated, exit_code, exit_on_signals, raise_on_signals
from search.extras import extra_message
from storage.errors import StoreError

P = ParamSpec("P")

SECTIONS = {
    "Studies and their cost": {
        "studies": ("studies:studies", "List the studies and their sizes."),
        "datasets": ("datasets:datasets", "List the data sets, and draw one."),
        "list": ("studies:list_experiments", "List the experiments of a study."),
        "space": ("space:space", "Count the networks of a structure."),
        "plan": ("plan:plan", "Show what is left to train and its cost."),
    },
    "Training": {
        "run": ("run:run", "Train every experiment that is not stored yet."),
        "search": ("search:search", "Search for the sparsest network at an accuracy."),
        "status": ("status:status", "Show what is stored and what is running."),
    },
    "Results": {
        "query": ("ask:query", "Run one SQL query on the results."),
        "sql": ("ask:sql", "Open an SQL shell on the results."),
        "show": ("show:show", "Draw trained networks."),
        "report": ("report:report", "Build a report of figures and tables."),
        "replay": ("replay:replay", "Retrain a stored experiment and compare."),
        "records": ("records:records", "List the sparsest known networks."),
        "bound": ("bound:bound", "Prove how many weights an accuracy needs."),
        "export": ("ask:export", "Copy all results into one file."),
    },
    "Stores": {
        "verify": ("verify:verify", "Check a store for damage."),
        "diff": ("merge:diff", "Compare the rows of two stores."),
        "merge": ("merge:merge", "Merge several stores into one."),
        "forget": ("forget:forget", "Delete rows from a store."),
        "compact": ("forget:compact", "Rewrite a store's small files as few large ones."),
        "publish": ("publish:publish", "Export a study in the format of results/."),
    },
    "Installation": {
        "doctor": ("doctor:doctor", "Check this machine, a store or a cluster."),
        "new": ("plugins:new", "Write a package with a new method or data set."),
        "try": ("try_method:try_method", "Train a method once and show what it did."),
        "plugins": ("plugins:plugins", "List and check plug-ins."),
    },
}
"""Section of the overview -> command -> module in `orchestrator.commands` and function, summary.

`--help` shows the summaries, so that it need not import the commands.
"""

_COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


def _as_flag(help_option: TyperOption | None) -> TyperOption | None:
    """Give the option --help the value False where it is not used.

    Typer would import pydantic to convert None, half of the start-up time.
    """
    if help_option is not None:
        help_option.default = False
    return help_option


class _Command(TyperCommand):
    """A command."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """Return the option --help."""
        return _as_flag(super().get_help_option(ctx))


class _LazyGroup(TyperGroup):
    """A group that imports the module of a command when the command is used."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        """Return the option --help."""
        return _as_flag(super().get_help_option(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None for an unknown name."""
        return _load(cmd_name) if cmd_name in _COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of the overview."""
        width = max(map(len, _COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), summary) for name, (_, summary) in commands.items()]
                )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command named by the first argument, and the arguments after it.

        Raises:
            UsageError: there is no such command; the message suggests similar names.
        """
        name = args[0]
        if name in _COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        similar = " or ".join(repr(match) for match in get_close_matches(name, _COMMANDS))
        advice = f"Did you mean {similar}?" if similar else "`sparsest --help` lists the commands."
        return ctx.fail(f"No such command {name!r}. {advice}")


app = typer.Typer(
    name="sparsest",
    cls=_LazyGroup,
    help="How sparse can a network be? Re-run, resume and extend the study 'Sparsest Models Elude "
    "Pruning' (ICML 2024): 485,838 trainings of tiny masked networks.",
    epilog="`sparsest COMMAND --help` explains a command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: markup would take [default: ...] for a style and drop it.
    rich_markup_mode=None,
)


@cache
def _load(name: str) -> Any:
    """Import a command and return it as a click command."""
    module, _, function = _COMMANDS[name][0].partition(":")
    _check_arithmetic()
    command = getattr(import_module(f"orchestrator.commands.{module}"), function)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=_Command)(_reporting_errors(command))
    loaded: Any = get_command(single)
    for parameter in loaded.params:
        if parameter.param_type_name == "argument":
            # Its name says what it is; typer would add "<str>".
            parameter.display_type_rich = lambda ctx: ""
    return loaded


def _check_arithmetic() -> None:
    """Exit with a message if the environment asks for an unknown arithmetic.

    Every command checks it, although not every command imports the kernels, which would raise it.
    """
    if not os.environ.get("SPARSEST_ARITHMETIC"):
        return
    from workers.kernel.instruction_set import chosen_instruction_set

    try:
        chosen_instruction_set()
    except ValueError as error:
        print_line(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that errors become one line and an exit code.

    0 is success, 1 an error, 2 wrong usage (typer's), 130 Ctrl-C and 143 SIGTERM.
    """

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        # Imported here: `--help` and `--version` need no store.
        from orchestrator.commands.options import local_argument

        try:
            for value in kwargs.values():
                _check_encoding(value)
            if not gc.isenabled():  # `sparsest.main` has stopped it for the imports
                # Together they move what was imported to the oldest generation, unexamined.
                gc.freeze()
                gc.unfreeze()
                gc.enable()
            resolved = {name: local_argument(value) for name, value in kwargs.items()}
            command(*args, **cast(Any, resolved))
        except (UserError, StoreError) as error:
            print_line(f"error: {error}", err=True)
            raise typer.Exit(1) from error
        except ModuleNotFoundError as error:
            message = extra_message(error)
            if message is None:
                raise
            print_line(f"error: {message}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            # A run adds how to resume.
            parts = ["stopped at once", "what is stored is safe", *map(str, error.args)]
            print_line("; ".join(parts), err=True)
            number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
            raise typer.Exit(exit_code(number)) from error

    return wrapped


def _check_encoding(value: object) -> None:
    """Check that the name of a file or store means the same file to Python and to DuckDB.

    Python encodes names by the locale and keeps undecodable bytes; DuckDB and Arrow take UTF-8.

    Raises:
        UserError: an argument, or the folder that it is relative to, is not UTF-8.
    """
    if isinstance(value, list):
        for item in value:
            _check_encoding(item)
        return
    if not isinstance(value, str | Path):
        return
    text = str(value.absolute() if isinstance(value, Path) else value)
    try:
        if os.fsencode(text) == text.encode():
            return
    except UnicodeEncodeError:
        pass
    encoding = sys.getfilesystemencoding()
    advice = (
        "rename the file, its folder or what else it names"
        if encoding == "utf-8"
        else f"this locale's encoding is {encoding}: set LC_ALL=C.UTF-8"
    )
    raise UserError(f"{text} is not UTF-8; {advice}")


def _show_version(wanted: bool) -> None:
    if wanted:
        # Imported here: it takes as long as the rest of this module.
        from importlib import metadata

        try:
            version = metadata.version("sparsest")
        except metadata.PackageNotFoundError:
            version = "(a checkout that is not installed)"
        print_line(f"sparsest {version}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Handle the options before the command; its module is imported by now."""
    raise_on_signals()


def main() -> None:
    """Run the command line of this process."""
    exit_on_signals()
    with guarded_streams():
        app(prog_name="sparsest")


if __name__ == "__main__":
    main()
