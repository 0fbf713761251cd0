"""spred: L1-regularised training as the product of two factors under weight decay.

Idea: |w| is the minimum of (u^2 + v^2) / 2 over all u and v whose product is w. So L2 decay of
strength s on u and v is the L1 penalty s * sum |w|, without its kink at zero. Ziyin and Wang,
"spred: solving L1 penalty with SGD" (ICML 2023):

    w = u * v, loss(w) + (s / 2) * (|u|^2 + |v|^2)

It is deep weight factorisation with two factors; see `pruning.dwf` for the changes. The
factors have the learning rate of the experiment. The authors' code (zihao-wang/spred) draws both
factors from the usual initialisation, which makes the product small, and has factors for biases
too. Its threshold of 0.01 is the default here; `strength` is this project's.
"""

from __future__ import annotations

from pruning.dwf import factorised, stages
from pruning.protocol import Measure, Requests
from search.experiment import Experiment
from search.layers import Layers

__all__ = ["requests", "stages"]


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train two factors; see `pruning.protocol.PrunesAdaptively`."""
    return factorised(experiment, layers, measure, 2)
