"""Elimination of whole neurons: structured pruning by the loss after retraining.

Idea: a smaller dense network needs no sparse arithmetic, so neurons are removed instead of weights.
The stages, settings and sample are those of `pruning.elimination`, whose removals are those of
neurons here. A neuron is removed by setting it to its mean value over the sample: its outgoing
weights go into the biases of the next layer (mean compensation), its incoming ones are dropped.
The saliency is the loss with the neuron at its mean (`pruning.saliency`); the criterion is that of
Mozer and Smolensky, "Skeletonization" (NIPS 1988), with the mean in place of zero and computed
exactly, where they approximate it by a derivative. In networks of
more than twice `exact_below` weights it is the sum of the second-order expansions for the neuron's
outgoing weights, which leaves out their products, and one neuron in 20 is removed at a time.

The last neuron of a layer is kept. `target_nnz` and `exact_below` count weights, so the network is
the first with at most `target_nnz` of them and may have fewer: a layer of n_in, n_j and n_out
neurons loses n_in + n_out weights at once. At or below `weights_below` weights, single weights are
removed as in elimination, so that the target is reached from a small dense network.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import sqrt

import numpy as np

from pruning.elimination import EVENTS, Removal, ShrinkingNetwork, eliminate
from pruning.elimination import stages as stages_of_weights
from pruning.protocol import Measure, Requests, Snapshot, target_of
from pruning.saliency import Floats
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


class NeuronNetwork(ShrinkingNetwork):
    """A network from which hidden neurons are removed, in float64.

    Args:
        snapshot, sample: as for `ShrinkingNetwork`.
        weights_below: number of weights at or below which single ones are removed.
    """

    def __init__(
        self, snapshot: Snapshot, sample: tuple[Floats, Floats], weights_below: int = 0
    ) -> None:
        super().__init__(snapshot, sample)
        self._weights_below = weights_below

    def portion(self, *, exact: bool) -> int:
        """Return the number of removals after which saliencies are computed again."""
        if self.weights <= self._weights_below:
            return super().portion(exact=exact)
        neurons = sum(int(np.count_nonzero(mask.any(axis=1))) for mask in self.masks[:-1])
        return 1 if exact else max(1, neurons // 20)

    def removals(self, count: int, *, exact: bool) -> Sequence[Removal]:
        """Return the outgoing weights of the neurons of least saliency, the least first.

        Ties are in the order of layers. The last neuron of a layer is not among them. At
        or below `weights_below` weights, return single weights instead.
        """
        if self.weights <= self._weights_below:
            return super().removals(count, exact=exact)
        unrolled = self._activations()
        if exact:
            saliencies = unrolled.neuron_losses()
        else:
            by_layer = unrolled.by_layer(unrolled.expansions())
            expansions = zip(by_layer[1:], self.masks[1:], strict=True)
            saliencies = [np.where(mask, values, 0.0).sum(axis=0) for values, mask in expansions]
        ranked = []
        for layer, values in enumerate(saliencies):
            present = np.flatnonzero(self.masks[layer + 1].any(axis=0)).tolist()
            ranked += [(float(values[neuron]), layer, neuron) for neuron in present]
        left = [int(np.count_nonzero(mask.any(axis=0))) for mask in self.masks[1:]]
        removals: list[Removal] = []
        for _, layer, neuron in sorted(ranked, key=lambda entry: entry[0]):
            if left[layer] > 1 and len(removals) < count:
                left[layer] -= 1
                targets = np.flatnonzero(self.masks[layer + 1][:, neuron]).tolist()
                removals.append([(layer + 1, target, neuron) for target in targets])
        return removals


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Eliminate neurons; see `pruning.protocol.PrunesAdaptively`."""
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    below = int(setting(experiment, "weights_below"))
    shrinking = partial(NeuronNetwork, weights_below=below)
    return eliminate(experiment, layers, measure, target, shrinking)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`.

    The number of weights is assumed to fall with the square of the number of neurons.
    """
    target = target_of(experiment, weights)
    exact_below = min(weights, max(target, int(setting(experiment, "exact_below"))))
    all_neurons = sum(experiment.hidden)
    most, least = (round(all_neurons * sqrt(left / weights)) for left in (exact_below, target))
    retrained = float(setting(experiment, "candidates")) * float(setting(experiment, "retrain"))
    one_at_a_time = [
        (retrained, round(weights * (neurons / all_neurons) ** 2)) for neurons in range(least, most)
    ]
    every = stages_of_weights(experiment, weights)
    return [*every[: 1 + EVENTS], *one_at_a_time, every[-1]]
