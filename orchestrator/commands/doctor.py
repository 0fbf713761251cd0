"""The command `doctor`: checks of a machine, a store or a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson, StoreOnS3, flag, new_store_location, option
from orchestrator.doctor.diagnosis import Diagnosis, ok, print_diagnosis, problem
from storage.errors import StoreError


def doctor(
    store: Annotated[
        str | None,
        option(
            "D",
            "Also check a store, or the location of a new one: a folder or s3://BUCKET/PREFIX.",
            "--store",
        ),
    ] = None,
    with_ray: Annotated[
        bool, flag("--ray", "Also check that Ray starts, which takes seconds.")
    ] = False,
    address: Annotated[str | None, option("A", "Also check the nodes of this Ray cluster.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine and, on request, a store or a cluster.

    Prints a line per check: ok, warning or problem, what was found, and what to do. The exit code
    is 1 if there is a problem.
    """
    location = None if store is None else new_store_location(store)
    results = []
    for result in _results(location, with_ray, address):
        results.append(result)
        if not as_json:
            print_diagnosis(result)
    if as_json:
        print(json.dumps([asdict(result) for result in results]))
    if any(result.level == "problem" for result in results):
        raise typer.Exit(1)


def _results(
    location: Path | StoreOnS3 | None, with_ray: bool, address: str | None
) -> Iterator[Diagnosis]:
    from orchestrator.doctor.software import check_software

    yield from check_software()
    if location is not None:
        yield from _store_results(location)
    if with_ray or address is not None:
        from orchestrator.ray_environment import prepare_ray_environment

        prepare_ray_environment(address)
        # Imported after its environment is set.
        from orchestrator.doctor.cluster import check_ray

        yield from check_ray(address)


def _store_results(location: Path | StoreOnS3) -> Iterator[Diagnosis]:
    """Check a store; of a store on S3, the connection and the working copy."""
    from orchestrator.doctor.store import check_store

    if isinstance(location, Path):
        yield from check_store(location)
        return
    try:
        folder = location.folder()
    except StoreError as error:
        yield problem("s3", str(error), "see docs/s3.md")
        return
    yield ok("s3", f"{location.address} is readable; the next lines are about its local copy")
    yield from check_store(folder)
