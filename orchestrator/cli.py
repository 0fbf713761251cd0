"""The command line: which commands there are, and how mistakes are told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec, cast

import typer

from orchestrator.commands import (
    ask,
    compact,
    diff,
    doctor,
    forget,
    merge,
    plan,
    plugins,
    publish,
    replay,
    report,
    run,
    search,
    show,
    space,
    status,
    studies,
    verify,
)
from orchestrator.commands.store_location import local_argument
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.stopping import Terminated, exit_code, heed_sigterm
from storage.errors import StoreError
from storage.log.sweep_info import software_versions

P = ParamSpec("P")

app = typer.Typer(
    name="sparsest",
    help="Re-run, resume and extend the study 'Sparsest Models Elude Pruning' (ICML 2024): "
    "485,838 trainings of tiny masked networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: with markup, [default: ...] would be taken for a colour and vanish.
    rich_markup_mode=None,
)


def _telling(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with its foreseen ends as exit codes: 0 done, 1 could not be done.

    A signal that stopped it makes 130 or 143; wrong usage is 2, which typer sees to.
    """

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            places = {name: local_argument(value) for name, value in kwargs.items()}
            command(*args, **cast(Any, places))
            sys.stdout.flush()
        except (UserError, StoreError) as error:
            print_line(f"error: {error}", err=True)
            raise typer.Exit(1) from error
        except BrokenPipeError as error:
            # Whoever read our output has seen enough: `sparsest list phase1 | head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error
        except KeyboardInterrupt as error:
            # Ctrl-C in a run brings words along; any other has none.
            said = ["stopped at once", "what is stored is safe", *map(str, error.args)]
            print_line("; ".join(said), err=True)
            number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
            raise typer.Exit(exit_code(number)) from error

    return told


app.command("studies")(_telling(studies.studies))
app.command("list")(_telling(studies.list_experiments))
app.command("space")(_telling(space.space))
app.command("plan")(_telling(plan.plan))
app.command("run")(_telling(run.run))
app.command("search")(_telling(search.search))
app.command("status")(_telling(status.status))
app.command("show")(_telling(show.show))
app.command("report")(_telling(report.report))
app.command("replay")(_telling(replay.replay))
app.command("query")(_telling(ask.query))
app.command("sql")(_telling(ask.sql))
app.command("export")(_telling(ask.export))
app.command("merge")(_telling(merge.merge))
app.command("diff")(_telling(diff.diff))
app.command("forget")(_telling(forget.forget))
app.command("compact")(_telling(compact.compact))
app.command("verify")(_telling(verify.verify))
app.command("doctor")(_telling(doctor.doctor))
app.command("plugins")(_telling(plugins.plugins))
app.command("publish")(_telling(publish.publish))


def _show_version(wanted: bool) -> None:
    if wanted:
        version = software_versions().get("sparsest", "(a checkout that is not installed)")
        print_line(f"sparsest {version}")
        raise typer.Exit


@app.callback()
def common(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """Runs the command that this process was started with."""
    heed_sigterm()
    app(prog_name="sparsest")


if __name__ == "__main__":
    main()
