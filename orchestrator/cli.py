"""The command line: which commands there are, and how mistakes are told."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import click
import typer

from orchestrator.commands import ask, look, run, status
from orchestrator.errors import UserError
from storage.errors import StoreError

app = typer.Typer(
    name="sparsest",
    help="Re-run, resume and extend the study 'Sparsest Models Elude Pruning' (ICML 2024): "
    "485,838 trainings of tiny masked networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("studies")(look.studies)
app.command("list")(look.list_experiments)
app.command("plan")(look.plan)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("query")(ask.query)
app.command("sql")(ask.sql)
app.command("export")(ask.export)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sparsest {version('sparsest')}")
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
    """Runs a command. Exit codes: 0 done, 1 could not be done, 2 wrong usage, 130 interrupted."""
    try:
        app()
    except (UserError, StoreError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has seen enough: `sparsest list phase1 | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (KeyboardInterrupt, click.Abort):
        typer.echo("stopped at once; the same command again goes on from what is stored", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
