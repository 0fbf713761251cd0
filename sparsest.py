"""The public interface: notebooks, plug-ins and the command `sparsest`.

For instance::

    import sparsest

    rows = sparsest.train("gmp", width=8, target_nnz=30, seeds=range(20))
    rows.networks()[0].logits(points)

    store = sparsest.open("runs/paper")
    best = store.sql("SELECT * FROM results ORDER BY accuracy DESC LIMIT 1").df()
    network = store.network(best.experiment_id[0])
    sparsest.accuracy(network, sparsest.load_dataset(best.dataset[0]))
    sparsest.save_drawing(sparsest.draw(network), "network.svg")

    sparsest.sparsest_networks(store).df()  # for every method at 95 % and 99.5 %
    sparsest.plot_pareto(store)

A plug-in imports everything that it needs from here too (docs/add-a-method.md)::

    from sparsest import Method, Pruned, Setting, bias_masks, target_of

Importing this module is fast: each name loads its package on first use, after a check that no file
of the user's hides one of the packages.
"""

from __future__ import annotations

import sys as _sys
from functools import cache as _cache
from importlib import import_module as _import_module
from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.comparison import compare, success_rates
    from analysis.drawing.data import draw_dataset
    from analysis.drawing.figure import draw
    from analysis.drawing.files import save_drawing
    from analysis.exact import exact_accuracy
    from analysis.network import Network, accuracy
    from analysis.networks import Networks, group_isomorphic
    from analysis.plots import plot_pareto, plot_sparsest
    from analysis.row_network import network_from_row
    from analysis.store import QueryResult, Store, open_published
    from analysis.store import open_store as open
    from analysis.tables import by_width, pareto, sparsest_networks
    from orchestrator.errors import UserError
    from orchestrator.from_python import run, search, train
    from pruning.gradients import (
        batch_loss,
        logits,
        masked,
        parameters,
        saliencies,
        weight_gradients,
    )
    from pruning.masks import bias_masks, full_masks, keep_largest
    from pruning.protocol import (
        Batch,
        Batches,
        MaskSchedule,
        Measure,
        Measurement,
        Objective,
        Pruned,
        PrunesAdaptively,
        PrunesBefore,
        PrunesDuring,
        Segment,
        Snapshot,
        target_of,
    )
    from pruning.segments import dense_network, flat_weights, train_rounds, with_weights
    from pruning.selection import (
        above_position,
        at_or_above,
        below_highest,
        highest,
        strictly_above,
    )
    from search.experiment import Experiment
    from search.layers import Layers, by_layer
    from search.method import TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET, Method
    from search.methods import BUDGET, choice, setting
    from search.settings import Setting
    from search.strategies.problem import Problem, Proposals, Trial
    from search.styles import Style
    from storage.errors import StoreError
    from workers.conformance import DATASET_CHECKS, FAST_METHOD_CHECKS, METHOD_CHECKS
    from workers.datasets import Dataset, load_dataset, standardised
    from workers.registering import register

PACKAGES = ("search", "pruning", "workers", "storage", "orchestrator", "analysis")
"""The project's packages. Their names are common words."""

__all__ = [
    "BUDGET", "DATASET_CHECKS", "FAST_METHOD_CHECKS", "METHOD_CHECKS", "TO_TARGET",
    "TO_TARGET_OR_ACCURACY", "WITHOUT_TARGET", "Batch", "Batches", "Dataset", "Experiment",
    "Layers", "MaskSchedule", "Measure", "Measurement", "Method", "Network", "Networks",
    "Objective", "Problem", "Proposals", "Pruned", "PrunesAdaptively", "PrunesBefore",
    "PrunesDuring", "QueryResult", "Segment", "Setting", "Snapshot", "Store", "StoreError", "Style",
    "Trial", "UserError", "__version__", "above_position", "accuracy", "at_or_above", "batch_loss",
    "below_highest", "bias_masks", "by_layer", "by_width", "choice", "compare", "dense_network",
    "draw", "draw_dataset", "exact_accuracy", "flat_weights", "full_masks", "group_isomorphic",
    "highest", "keep_largest", "load_dataset", "logits", "masked", "network_from_row", "open",
    "open_published", "parameters", "pareto", "plot_pareto", "plot_sparsest", "register", "run",
    "saliencies", "save_drawing", "search", "setting", "sparsest_networks", "standardised",
    "strictly_above", "success_rates", "target_of", "train", "train_rounds", "weight_gradients",
    "with_weights",
]  # fmt: skip

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
    # Until the command starts: imports leave no garbage, and looking for it takes up to 60 ms.
    import gc

    gc.disable()
    # Nothing is to change how a log is checked, and pydantic would look for plug-ins of its own in
    # the metadata of every installed package.
    import os

    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from orchestrator.stopping import exit_on_signals

    exit_on_signals()
    from orchestrator import cli

    cli.main()


@_cache
def _exports() -> dict[str, str]:
    """Return public name -> module and name there, from the imports for type checkers above."""
    # Imported here: commands need none of it.
    import ast

    statements = ast.parse(_Path(__file__).read_text()).body
    imports = next(statement for statement in statements if isinstance(statement, ast.If)).body
    return {
        alias.asname or alias.name: f"{statement.module}:{alias.name}"
        for statement in imports
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Imported here: it takes as long as the rest of this module together.
        from importlib import metadata

        try:
            return metadata.version("sparsest")
        except metadata.PackageNotFoundError:  # a checkout that is on the path but not installed
            return "0+unknown"
    if name not in _exports():
        raise AttributeError(f"module 'sparsest' has no attribute {name!r}")
    # A process that has loaded the packages found the right ones, for example a Ray worker, to
    # which the driver sends each package in a separate folder.
    if "search.experiment" not in _sys.modules:
        require_packages()
    module, _, attribute = _exports()[name].partition(":")
    try:
        value = getattr(_import_module(module), attribute)
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
