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
    from analysis.network import Network, accuracy, network_from_row
    from analysis.networks import Networks, group_isomorphic
    from analysis.plots import plot_pareto, plot_sparsest
    from analysis.store import QueryResult, Store, open_published
    from analysis.store import open_store as open
    from analysis.tables import by_width, pareto, sparsest_networks
    from orchestrator.from_python import run, search, train
    from pruning.biases import bias_masks
    from pruning.functional import (
        batch_loss,
        logits,
        masked,
        parameters,
        saliencies,
        weight_gradients,
    )
    from pruning.magnitude import full_masks, keep_largest
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
        by_layer,
        highest,
        strictly_above,
    )
    from search.experiment import Experiment
    from search.layers import Layers
    from search.method import TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET, Method
    from search.methods import BUDGET, choice, setting
    from search.settings import Setting
    from search.strategies.problem import Problem, Proposals, Trial
    from search.styles import Style
    from workers.conformance import DATASET_CHECKS, FAST_METHOD_CHECKS, METHOD_CHECKS
    from workers.datasets import Dataset, load_dataset, standardised
    from workers.registering import register

PACKAGES = ("search", "pruning", "workers", "storage", "orchestrator", "analysis")
"""The project's packages. Their names are common words."""

_EXPORTS = {
    # Notebooks
    "Dataset": "workers.datasets",
    "Network": "analysis.network",
    "Networks": "analysis.networks",
    "QueryResult": "analysis.store",
    "Store": "analysis.store",
    "accuracy": "analysis.network",
    "by_width": "analysis.tables",
    "compare": "analysis.comparison",
    "draw": "analysis.drawing.figure",
    "draw_dataset": "analysis.drawing.data",
    "group_isomorphic": "analysis.networks",
    "exact_accuracy": "analysis.exact",
    "load_dataset": "workers.datasets",
    "network_from_row": "analysis.network",
    "open": "analysis.store:open_store",
    "open_published": "analysis.store",
    "pareto": "analysis.tables",
    "plot_pareto": "analysis.plots",
    "plot_sparsest": "analysis.plots",
    "register": "workers.registering",
    "run": "orchestrator.from_python",
    "save_drawing": "analysis.drawing.files",
    "search": "orchestrator.from_python",
    "sparsest_networks": "analysis.tables",
    "success_rates": "analysis.comparison",
    "train": "orchestrator.from_python",
    # Plug-ins
    "BUDGET": "search.methods",
    "Batch": "pruning.protocol",
    "Batches": "pruning.protocol",
    "DATASET_CHECKS": "workers.conformance",
    "Experiment": "search.experiment",
    "FAST_METHOD_CHECKS": "workers.conformance",
    "Layers": "search.layers",
    "METHOD_CHECKS": "workers.conformance",
    "MaskSchedule": "pruning.protocol",
    "Measure": "pruning.protocol",
    "Measurement": "pruning.protocol",
    "Objective": "pruning.protocol",
    "Method": "search.method",
    "Problem": "search.strategies.problem",
    "Proposals": "search.strategies.problem",
    "Pruned": "pruning.protocol",
    "PrunesAdaptively": "pruning.protocol",
    "PrunesBefore": "pruning.protocol",
    "PrunesDuring": "pruning.protocol",
    "Segment": "pruning.protocol",
    "Setting": "search.settings",
    "Snapshot": "pruning.protocol",
    "Style": "search.styles",
    "TO_TARGET": "search.method",
    "TO_TARGET_OR_ACCURACY": "search.method",
    "Trial": "search.strategies.problem",
    "WITHOUT_TARGET": "search.method",
    "above_position": "pruning.selection",
    "at_or_above": "pruning.selection",
    "batch_loss": "pruning.functional",
    "below_highest": "pruning.selection",
    "bias_masks": "pruning.biases",
    "by_layer": "pruning.selection",
    "choice": "search.methods",
    "dense_network": "pruning.segments",
    "flat_weights": "pruning.segments",
    "full_masks": "pruning.magnitude",
    "highest": "pruning.selection",
    "keep_largest": "pruning.magnitude",
    "logits": "pruning.functional",
    "masked": "pruning.functional",
    "parameters": "pruning.functional",
    "saliencies": "pruning.functional",
    "setting": "search.methods",
    "standardised": "workers.datasets",
    "strictly_above": "pruning.selection",
    "target_of": "pruning.protocol",
    "train_rounds": "pruning.segments",
    "weight_gradients": "pruning.functional",
    "with_weights": "pruning.segments",
}
"""Public name -> module that defines it, and its name there where that differs."""

__all__ = [
    "BUDGET",
    "DATASET_CHECKS",
    "FAST_METHOD_CHECKS",
    "METHOD_CHECKS",
    "TO_TARGET",
    "TO_TARGET_OR_ACCURACY",
    "WITHOUT_TARGET",
    "Batch",
    "Batches",
    "Dataset",
    "Experiment",
    "Layers",
    "MaskSchedule",
    "Measure",
    "Measurement",
    "Method",
    "Network",
    "Networks",
    "Objective",
    "Problem",
    "Proposals",
    "Pruned",
    "PrunesAdaptively",
    "PrunesBefore",
    "PrunesDuring",
    "QueryResult",
    "Segment",
    "Setting",
    "Snapshot",
    "Store",
    "Style",
    "Trial",
    "__version__",
    "above_position",
    "accuracy",
    "at_or_above",
    "batch_loss",
    "below_highest",
    "bias_masks",
    "by_layer",
    "by_width",
    "choice",
    "compare",
    "dense_network",
    "draw",
    "draw_dataset",
    "exact_accuracy",
    "flat_weights",
    "full_masks",
    "group_isomorphic",
    "highest",
    "keep_largest",
    "load_dataset",
    "logits",
    "masked",
    "network_from_row",
    "open",
    "open_published",
    "parameters",
    "pareto",
    "plot_pareto",
    "plot_sparsest",
    "register",
    "run",
    "saliencies",
    "save_drawing",
    "search",
    "setting",
    "sparsest_networks",
    "standardised",
    "strictly_above",
    "success_rates",
    "target_of",
    "train",
    "train_rounds",
    "weight_gradients",
    "with_weights",
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
    # A process that has loaded the packages found the right ones, for example a Ray worker, to
    # which the driver sends each package in a separate folder.
    if "search.experiment" not in _sys.modules:
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
