"""Packages that lie in a folder of the path as pip would have put them there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search.datasets import plugin_datasets
from search.methods import plugin_methods
from workers.datasets import load_dataset

EntryPoints = Mapping[str, Mapping[str, str]]
"""Group -> name -> what the entry point names."""


def install(site: Path, name: str, version: str, points: EntryPoints, **modules: str) -> None:
    """Installs a package with some entry points and modules, in place of an earlier version."""
    for other in site.glob(f"{name.replace('-', '_')}-*.dist-info"):
        (other / "METADATA").unlink()
        (other / "entry_points.txt").unlink()
        other.rmdir()
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, named in points.items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in named.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, code in modules.items():
        (site / f"{module}.py").write_text(code)
    look_again()


def look_again() -> None:
    """Forgets what was found, as a new process does."""
    for kept in (plugin_methods, plugin_datasets, load_dataset):
        kept.cache_clear()
