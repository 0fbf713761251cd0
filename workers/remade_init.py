"""A stored initialisation made again from the training that it was found with."""

from __future__ import annotations

from search.layers import StoredInit
from search.paper import find_run
from workers.initial import initial_network, layers_digest


def remade_init(name: str, label: str, root_seed: int) -> StoredInit:
    """The initial weights of a training of the search, at full width, as an initialisation.

    Args:
        name: of the initialisation, such as "bench-95".
        label: GROUP:RUN_ID of the training.
        root_seed: of the training.

    Raises:
        ValueError: no training has that number.
    """
    study, index = find_run(label)
    layers = initial_network(study.with_root_seed(root_seed)[index])
    return StoredInit(name, layers_digest(layers), layers)
