"""The command `bound`: certified lower bounds on the number of weights."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.commands.options import AsJson, Overwrite, option, output_option
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from search.datasets import CUBIST_SPIRAL
from storage.scratch import replace_text

TARGET = "0.95"
"""Accuracy unless another one is given."""

LEAST_TARGET = Fraction(1, 2)
"""Accuracy below which a bound would say nothing: a constant reaches it."""


def _target(text: str) -> str:
    """Check an accuracy; it stays text, because its decimals are exact."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not LEAST_TARGET < value <= 1:
        raise typer.BadParameter(f"{text} is not allowed; give a number above 0.5 and at most 1")
    return text


def bound(
    dataset: Annotated[
        str | None,
        option(
            "NAME",
            f"Data set with two features and two classes [default: {CUBIST_SPIRAL.name}]",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="A",
            parser=_target,
            help=f"Accuracy that the networks reach [default: {TARGET}]",
        ),
    ] = None,
    output: Annotated[Path | None, output_option("JSON file for the certificate.")] = None,
    overwrite: Overwrite = False,
    verify: Annotated[
        Path | None, option("F", "Check this certificate instead of making one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that every network of an accuracy has at least some number of weights.

    Counts the zero lines, on which the straight pieces of the boundary lie, that the data needs,
    and those that networks with few weights can have, in the plane and in the quadrants between two
    of their kinks. The certificate can be checked in integers without the program that made it.
    Covers ReLU networks of any depth, width and biases, evaluated in real arithmetic.
    """
    from analysis.bounds.checker import check
    from analysis.bounds.prover import check_covered, prove
    from workers.datasets import load_dataset

    if verify is not None and (dataset is not None or target is not None):
        option_given = "--dataset" if dataset is not None else "--target"
        raise UserError(f"{option_given}: the certificate of --verify names it; leave it out")
    if output is not None:
        _check_output(output, overwrite=overwrite)
    certificate = _read(verify) if verify else None
    where = f"{verify or '--dataset'}: "
    with user_errors(where):
        data = load_dataset(
            certificate["dataset"] if certificate else dataset or CUBIST_SPIRAL.name
        )
        check_covered(data)
        made = certificate or prove(data, target or TARGET)
    invalid = f"{where}the certificate is not valid: "
    with user_errors(invalid, ArithmeticError, LookupError, TypeError):
        check(made, data.points, data.labels)
    if output is not None:
        # One key a line.
        keys = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in made.items())
        with user_errors(writing=output):
            replace_text(output, f"{{\n{keys}\n}}\n")
    if as_json:
        print(json.dumps({key: made[key] for key in ("dataset", "target", "bound", "lines")}))
    else:
        _print(made, len(data))


def _check_output(path: Path, *, overwrite: bool) -> None:
    """Check that a certificate can be written to a path, before minutes are spent on it."""
    with user_errors(writing=path):
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is not a regular file: name another file")
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists: name another file, or replace it (--overwrite)")
        if not path.parent.is_dir():
            raise UserError(f"there is no folder {path.parent}: create it, or name another file")


def _read(path: Path) -> dict[str, Any]:
    """Read a certificate: a JSON object that names a data set."""
    with user_errors(f"{path} is not a JSON file: ", reading=path):
        certificate = json.loads(path.read_text())
    if not isinstance(certificate, dict) or not isinstance(certificate.get("dataset"), str):
        raise UserError(f"{path} is not a certificate: it names no data set")
    if missing := {"weights", "cuts", "boxes"} - certificate.keys():
        raise UserError(
            f"{path} lacks {', '.join(sorted(missing))}, as certificates of versions before 0.5.0 "
            "do: make it again with `sparsest bound --target ACCURACY --output FILE`"
        )
    return certificate


def _print(certificate: dict[str, Any], points: int) -> None:
    from analysis.bounds.checker import masks

    target, lines, weights = (certificate[key] for key in ("target", "lines", "bound"))
    errors = int((1 - Fraction(target)) * points)
    listed = sum(1 for _ in masks(weights - 1))
    print_line(
        f"{certificate['dataset']}: a network of accuracy {target} misclassifies at most "
        f"{errors:,} of {points:,} points",
        f"zero lines that its boundary needs: at least {lines}",
        f"masks of at most {counted(weights - 1, 'weight')}: {listed:,}, each with fewer lines, "
        "or too few of them in some quadrant",
        f"proven: a network of accuracy {target} has at least {counted(weights, 'weight')}",
    )
