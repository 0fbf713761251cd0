"""The lottery ticket: train, keep the largest weights, rewind to their initial values, repeat.

Idea: a dense network contains a sparse one that trains as well from its initial weights, but it can
be identified only after training. Frankle and Carbin, "The lottery ticket hypothesis: finding
sparse, trainable neural networks" (ICLR 2019), iterative pruning with resetting (appendix B,
strategy 1). With N weights and target k, after round r = 1..4 of 5:

    m = int(N * (k / N)^(r / 4)), keep the m largest |w| of the network

Changes in the authors' run (docs/paper.md, section 5): magnitudes are compared over the whole
network; the paper removes a fraction of each layer of its small networks, half as much of the last
one. All parameters are rewound to the initialisation, biases included, with a new optimiser and
schedule; weights equal to the m-th largest are pruned too, so m - 1 stay.
"""

from __future__ import annotations

from collections.abc import Callable

from pruning.masks import Scheduled, full_masks, keep_largest, with_masks
from pruning.protocol import Batch, Permute, Snapshot, target_of
from pruning.segments import dense_network
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def count(weights: int, target: int, round_number: int, rounds: int) -> int:
    """Return m, the rank of the threshold weight, after a round counted from 1."""
    return int(weights * (target / weights) ** (round_number / (rounds - 1)))


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> Scheduled:
    """Return LTH's mask schedule; see `pruning.protocol.PrunesDuring`. Draws no permutation."""
    weights = sum(weight.size for weight, _ in layers)
    target, rounds = target_of(experiment, weights), int(setting(experiment, "rounds"))
    rewound = dense_network(layers)

    def change(step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        rank = count(weights, target, step // steps, rounds)
        return with_masks(rewound, keep_largest(network.layers, rank))

    return Scheduled(full_masks(layers), range(steps, rounds * steps, steps), change, rounds)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    target = target_of(experiment, weights)
    rounds = int(setting(experiment, "rounds"))
    return [(1.0, count(weights, target, done, rounds)) for done in range(rounds)]
