"""Provenance of a sweep: software versions, source commit, machine."""

from __future__ import annotations

import platform
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from storage.log.entries import PUBLISHED, SweepBegin

_PACKAGES = ("sparsest", "torch", "numpy", "numba", "ray", "pyarrow", "duckdb")
_SOURCE = Path(__file__).resolve().parents[2]
_GIT_TIMEOUT_S = 10
_ID_TIME = "%Y%m%dT%H%M%SZ"


def describe_sweep(
    *,
    command: str,
    studies: Sequence[str],
    sweep_files: Mapping[str, str] | None = None,
    plugins: Mapping[str, str] | None = None,
    device: str,
    workers: int,
    root_seed: int,
) -> SweepBegin:
    """Return the entry of a sweep that starts now here; its id is new. See `SweepBegin`."""
    return _new_sweep(
        command=command,
        studies=list(studies),
        sweep_files=dict(sweep_files or {}),
        versions=software_versions() | dict(plugins or {}),
        commit=source_commit(_SOURCE),
        processor=processor_name(),
        device=device,
        workers=workers,
        root_seed=root_seed,
    )


def describe_published(
    *,
    command: str,
    study: str,
    file_sha256: str,
    root_seed: int,
    trained_by: SweepBegin | None,
) -> SweepBegin:
    """Return the entry for taking over the rows of a published file now; its id is new."""
    trainer = trained_by or unknown_sweep("")
    return _new_sweep(
        **trainer.model_dump(include={"versions", "commit", "processor"}),
        command=command,
        studies=[study],
        sweep_files={study: file_sha256},
        device=PUBLISHED,
        root_seed=root_seed,
    )


def _new_sweep(**fields: Any) -> SweepBegin:
    """Return the entry of a sweep with a new id that starts now here."""
    blank = unknown_sweep(f"{datetime.now(UTC):{_ID_TIME}}-{secrets.token_hex(3)}")
    return SweepBegin.model_validate({**blank.model_dump(), "host": platform.node(), **fields})


def unknown_sweep(sweep_id: str) -> SweepBegin:
    """Return a placeholder for a sweep whose entry was lost; its id may say when it started."""
    try:
        started = datetime.strptime(sweep_id.partition("-")[0], _ID_TIME)
    except ValueError:
        started = datetime.fromtimestamp(0, UTC)
    return SweepBegin(
        sweep_id=sweep_id,
        command="",
        studies=[],
        sweep_files={},
        versions={},
        commit=None,
        host="",
        processor="",
        device="",
        workers=0,
        root_seed=0,
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
    )


def software_versions() -> dict[str, str]:
    """Return package -> version for Python and the relevant packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def source_commit(folder: Path) -> str | None:
    """Return the git commit of a checkout, with "-dirty" if tracked files were changed since.

    Returns None if `folder` is not the top of a checkout: an installed package may be inside the
    checkout of another project.
    """
    if not (folder / ".git").exists():
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def processor_name() -> str:
    """Return the name of the processor; the bits of a row depend on it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
