"""Erdos-Renyi-Kernel densities: how a number of weights is distributed over layers.

Mocanu et al., "Scalable training of artificial neural networks with adaptive sparse connectivity
inspired by network science" (2018), as used by Evci, Gale, Menick, Castro and Elsen, "Rigging the
lottery: making all tickets winners" (ICML 2020), section 3: a layer's density is proportional to
(n_in + n_out) / (n_in * n_out), so that narrow layers keep more. As in the authors' code
(google-research/rigl), a layer whose density would exceed 1 becomes dense, and the other layers
share the remaining weights.
"""

from __future__ import annotations

from collections.abc import Sequence


def erk_densities(shapes: Sequence[tuple[int, int]], density: float) -> list[float]:
    """Return the density of each layer, given its (n_out, n_in) and that of the whole network.

    The network's density is above 0 and below 1. A layer's is from 0 to 1, exactly 1.0 for dense
    ones; weighted by the layers' sizes their mean is `density`. Computed in double precision in the
    order of docs/paper.md, section 5: another order can change a number of weights by one.
    """
    sizes = [n_out * n_in for n_out, n_in in shapes]
    raw = [(n_in + n_out) / (n_in * n_out) for n_out, n_in in shapes]
    dense: set[int] = set()
    while True:
        others = [layer for layer in range(len(shapes)) if layer not in dense]
        wanted = sum(sizes[layer] * density for layer in others)
        wanted -= sum(sizes[layer] * (1 - density) for layer in sorted(dense))
        scale = wanted / sum(raw[layer] * sizes[layer] for layer in others)
        largest = max(raw[layer] for layer in others)
        if largest * scale <= 1:
            break
        dense |= {layer for layer in others if raw[layer] == largest}
    return [1.0 if layer in dense else scale * raw[layer] for layer in range(len(shapes))]
