"""The command that looks whether everything is as it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson
from orchestrator.commands.store_location import StoreOnS3, new_store_location
from orchestrator.doctor.finding import PROBLEM, Finding, Level, ok, print_finding, problem
from orchestrator.doctor.resources import check_resources
from orchestrator.doctor.software import check_software
from orchestrator.doctor.store import check_store
from orchestrator.ray_environment import prepare_ray_environment
from storage.errors import StoreError


def doctor(
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="D",
            help="Look at this store, or its place, too: a folder, or s3://BUCKET/PREFIX.",
        ),
    ] = None,
    with_ray: Annotated[
        bool, typer.Option("--ray", help="See whether Ray starts here, which takes seconds.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(metavar="A", help="Look at the nodes of this Ray cluster too."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what of this machine or a cluster is wrong.

    A line for each thing: ok, warning or problem, what it is, and what to do. The exit code is 1
    where there is a problem.
    """
    place = None if store is None else new_store_location(store)
    findings = []
    for finding in _findings(place, with_ray, address):
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    if any(finding.level is Level.problem for finding in findings):
        raise typer.Exit(PROBLEM)


def _findings(
    place: Path | StoreOnS3 | None, with_ray: bool, address: str | None
) -> Iterator[Finding]:
    yield from check_software()
    yield from check_resources()
    if place is not None:
        yield from _of_store(place)
    if with_ray or address is not None:
        prepare_ray_environment(address)
        # Imported here: only now is its environment settled.
        from orchestrator.doctor.cluster import check_ray

        yield from check_ray(address)


def _of_store(place: Path | StoreOnS3) -> Iterator[Finding]:
    """What is found of a store; on S3, whether it answers, and then of the working copy."""
    if isinstance(place, Path):
        yield from check_store(place)
        return
    try:
        folder = place.folder()
    except StoreError as error:
        yield problem("s3", str(error), "see docs/s3.md")
        return
    yield ok("s3", f"{place.address} can be read; what follows is of its copy on this machine")
    yield from check_store(folder)
