"""Optimal brain surgeon: remove the weight that matters least, and adjust all others for it.

Idea: near a minimum the loss is quadratic in the parameters. Setting weight w_q to zero then costs
least if all other parameters move to the minimum of the quadratic function that is left. Hassibi
and Stork, "Second order derivatives for network pruning: optimal brain surgeon" (NIPS 1992);
Hassibi, Stork, Wolff and Watanabe (NIPS 1993) for losses other than the squared error. With H
the Gauss-Newton matrix of the loss (`pruning.curvature`), in all weights and biases:

    saliency_q = w_q^2 / (2 [H^-1]_qq),    change of the parameters = -w_q / [H^-1]_qq * H^-1 e_q

1. Train the dense network for `Experiment.epochs` epochs with the experiment's schedule.
2. Let the number of weights fall geometrically to `target_nnz` in `rounds` rounds. In a round,
   remove the weight of least saliency, update H^-1 for the parameters that are left, and so on;
   compute H^-1 again after each 5 % of the weights. After each round but the last, train for
   `retrain` times the epochs at the experiment's learning rate.
3. If `retrain` is above 0, train for the epochs with the experiment's schedule.

The method "obs" prunes in one shot and does not train again; "obs-gradual" prunes in 20 rounds with
training between them, which is the idea of Singh and Alistarh, "WoodFisher: efficient second-order
approximation for neural network compression" (NeurIPS 2020). Their code (IST-DASLab/WoodFisher)
uses the empirical Fisher matrix of the weights, follows a cubic schedule, and adds up the changes
of all weights that a round removes; here each change includes those before it.

Changes in this project: Hassibi and Stork compute H^-1 again for every weight. Their loss is the
squared error, so that H has the outer products of the outputs' derivatives. `damping` is their
alpha, which they take from 1e-8 to 1e-4. H is that of up to 1024 points. Networks of more than
`full_below` weights first lose the weights of least `pruning.saliency.Unrolled.expansions`, which
takes H as diagonal (LeCun, Denker and Solla, "Optimal brain damage", 1989). Neurons without
outgoing or without incoming weights are removed as in `pruning.elimination`, so fewer than
`target_nnz` weights can remain, and all of them are on paths from an input to an output.
"""

from __future__ import annotations

import numpy as np

from pruning.curvature import Curved
from pruning.elimination import ShrinkingNetwork, fold, sample_of
from pruning.protocol import Measure, Requests, Segment, Snapshot, target_of
from pruning.segments import dense_network, is_finite, train_rounds
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

PORTION = 0.05
"""Fraction of the weights removed before the inverse is computed again."""

DIAGONAL_PORTION = 0.1
"""The same while the matrix is taken as diagonal."""


class ObsNetwork(ShrinkingNetwork):
    """A network from which weights are removed, in float64."""

    def remove_least(self, count: int, damping: float) -> None:
        """Remove weights of least saliency and adjust the other parameters.

        Neurons without a purpose can take more along. `damping` is added to the diagonal of the
        Gauss-Newton matrix.
        """
        curved = Curved(*self._parameters(), *self._sample)
        parameters, inverse = curved.parameters, curved.inverse(damping)
        kept = np.ones(self.weights, np.bool_)
        for _ in range(count):
            diagonal = np.diagonal(inverse)[: len(kept)]
            saliencies = np.full(len(kept), np.inf)
            saliencies[kept] = parameters[: len(kept)][kept] ** 2 / (2 * diagonal[kept])
            q = int(np.argmin(saliencies))
            column = inverse[q] / inverse[q, q]
            parameters -= parameters[q] * column
            inverse -= column[:, None] * inverse[q]
            parameters[q] = inverse[q] = inverse[:, q] = 0
            kept[q] = False
        self._weights[self._kept] = parameters[: len(kept)]
        self._biases[:] = parameters[len(kept) :]
        self._kept[self._kept] = kept
        fold(*self._parameters())
        self._unrolled = None


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Prune by OBS; see `pruning.protocol.PrunesAdaptively`."""
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    sample = sample_of(measure.points, measure.labels)
    rounds = int(setting(experiment, "rounds"))
    retrain = float(setting(experiment, "retrain"))
    retrain_steps = round(retrain * experiment.epochs * measure.steps_per_epoch)
    network = yield from train_rounds(dense_network(layers), measure)
    step = experiment.epochs * measure.steps_per_epoch
    for count in counts(ShrinkingNetwork(network, sample).weights, target, rounds):
        if not is_finite(network):
            return network
        network = _pruned(experiment, ObsNetwork(network, sample), count)
        if count > target:
            network = yield Segment(network, step, step + retrain_steps, experiment.lr)
            step += retrain_steps
    if retrain:
        network = yield from train_rounds(network, measure, step)
    return network


def _pruned(experiment: Experiment, network: ObsNetwork, count: int) -> Snapshot:
    """Return the network after removing weights until at most `count` are left."""
    full_below = int(setting(experiment, "full_below"))
    damping = float(setting(experiment, "damping"))
    while (weights := network.weights) > count:
        if weights > full_below:
            removed = min(int(weights * DIAGONAL_PORTION), weights - max(count, full_below))
            network.remove(network.least(max(1, removed), exact=False))
        else:
            network.remove_least(min(max(1, int(weights * PORTION)), weights - count), damping)
    return network.snapshot()


def counts(weights: int, target: int, rounds: int) -> list[int]:
    """Return the number of weights to keep in each round."""
    return [round(weights * (target / weights) ** (done / rounds)) for done in range(1, rounds + 1)]


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    target = target_of(experiment, weights)
    rounds, retrain = int(setting(experiment, "rounds")), float(setting(experiment, "retrain"))
    between = [(retrain, left) for left in counts(weights, target, rounds)[:-1]]
    return [(1.0, weights), *between, *([(1.0, target)] if retrain else [])]
