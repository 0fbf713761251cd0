"""The public interface: notebooks, plug-ins and the command `sparsest`.

For instance::

    import sparsest

    store = sparsest.open("runs/paper")
    best = store.sql("SELECT * FROM results ORDER BY accuracy DESC LIMIT 1").df()
    network = store.network(best.experiment_id[0])
    sparsest.accuracy(network, sparsest.load_dataset(best.dataset[0]))
    sparsest.save_drawing(sparsest.draw(network), "network.svg")

    sparsest.sparsest_networks(store).df()  # for every method at 95 % and 99.5 %
    sparsest.plot_pareto(store)

Importing this module is fast: each name loads its package on first use, after a check that no file
of the user's hides one of the packages.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.drawing.figure import draw
    from analysis.drawing.files import save_drawing
    from analysis.network import accuracy, network_from_row
    from analysis.plots import plot_pareto, plot_sparsest
    from analysis.store import QueryResult, Store, open_published
    from analysis.store import open_store as open
    from analysis.tables import by_width, pareto, sparsest_networks
    from workers.datasets import Dataset, load_dataset

PACKAGES = ("search", "pruning", "workers", "storage", "orchestrator", "analysis")
"""The project's packages. Their names are common words."""

_EXPORTS = {
    # Notebooks
    "Dataset": "workers.datasets",
    "QueryResult": "analysis.store",
    "Store": "analysis.store",
    "accuracy": "analysis.network",
    "by_width": "analysis.tables",
    "draw": "analysis.drawing.figure",
    "load_dataset": "workers.datasets",
    "network_from_row": "analysis.network",
    "open": "analysis.store:open_store",
    "open_published": "analysis.store",
    "pareto": "analysis.tables",
    "plot_pareto": "analysis.plots",
    "plot_sparsest": "analysis.plots",
    "save_drawing": "analysis.drawing.files",
    "sparsest_networks": "analysis.tables",
}
"""Public name -> module that defines it, and its name there where that differs."""

__all__ = [
    "Dataset",
    "QueryResult",
    "Store",
    "__version__",
    "accuracy",
    "by_width",
    "draw",
    "load_dataset",
    "network_from_row",
    "open",
    "open_published",
    "pareto",
    "plot_pareto",
    "plot_sparsest",
    "save_drawing",
    "sparsest_networks",
]

__version__: str


def require_packages() -> None:
    """Check that Python finds every package of this project beside this file.

    Python searches the current folder first when it is started with `-m`, as a shell or by a
    notebook; a user's `search.py` there hides the package `search`.

    Raises:
        ImportError: a package is missing, or another file has its name.
    """
    root = _Path(__file__).resolve().parent
    for package in PACKAGES:
        spec = _find_spec(package)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if [_Path(folder).resolve() for folder in folders] == [root / package]:
            continue
        if spec is None:
            raise ImportError(f"sparsest lacks its package {package!r}: install it again")
        hiding = spec.origin or ", ".join(folders)
        raise ImportError(
            f"{hiding} hides the package {package!r} of sparsest: rename it, or start Python in "
            "another folder"
        )


def main() -> None:
    """Run the command line of this process."""
    try:
        require_packages()
    except ImportError as error:
        _sys.exit(f"error: {error}")
    from orchestrator.stopping import exit_on_signals

    exit_on_signals()
    from orchestrator import cli

    cli.main()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Imported here: it takes as long as the rest of this module together.
        from importlib import metadata

        try:
            return metadata.version("sparsest")
        except metadata.PackageNotFoundError:  # a checkout that is on the path but not installed
            return "0+unknown"
    if name not in _EXPORTS:
        raise AttributeError(f"module 'sparsest' has no attribute {name!r}")
    require_packages()
    module, _, attribute = _EXPORTS[name].partition(":")
    try:
        value = getattr(_import_module(module), attribute or name)
    except ModuleNotFoundError as error:
        # Imported here: nothing of the project is imported before `require_packages`.
        from search.extras import extra_message

        message = extra_message(error)
        if message is None:
            raise
        raise ImportError(f"sparsest.{name}: {message}") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if __name__ == "__main__":
    main()
