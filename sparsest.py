"""The Python interface for notebooks.

For instance::

    import sparsest

    store = sparsest.open("runs/paper")
    best = store.sql("SELECT * FROM results ORDER BY accuracy DESC LIMIT 1").df()
    network = store.network(best.experiment_id[0])
    sparsest.accuracy(network, sparsest.load_dataset(best.dataset[0]))
    sparsest.save_drawing(sparsest.draw(network), "network.svg")

    sparsest.sparsest_networks(store).df()  # of every method at 95 % and 99.5 %
    sparsest.plot_pareto(store)
"""

from importlib import metadata as _metadata

from sparsest_rooms import require_rooms as _require_rooms

_require_rooms()

from analysis.drawing.figure import draw
from analysis.drawing.files import save_drawing
from analysis.network import accuracy, network_from_row
from analysis.plots import plot_pareto, plot_sparsest
from analysis.store import QueryResult, Store, open_published
from analysis.store import open_store as open
from analysis.tables import by_width, pareto, sparsest_networks
from workers.datasets import Dataset, load_dataset

try:
    __version__ = _metadata.version("sparsest")
except _metadata.PackageNotFoundError:  # a checkout that is on the path but not installed
    __version__ = "0+unknown"

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
