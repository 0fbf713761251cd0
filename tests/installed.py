"""Packages in a folder on the import path, as pip would install them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import search.plugins
from search.datasets import plugin_dataset, plugin_datasets
from search.methods import plugin_methods
from workers.datasets import made_once

EntryPoints = Mapping[str, Mapping[str, str]]
"""Group -> name of the entry point -> its value."""


def install(site: Path, name: str, version: str, points: EntryPoints, **modules: str) -> None:
    """Install a package with entry points and modules, replacing an earlier version."""
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
    forget_plugins()


def forget_plugins() -> None:
    """Forget the plug-ins that were found or registered, as a new process does."""
    for registered in search.plugins._registered.values():
        registered.clear()
    for cached in (plugin_methods, plugin_datasets, plugin_dataset, made_once):
        cached.cache_clear()
