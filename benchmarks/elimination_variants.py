"""Elimination with the exact Hessian for the last weights, or with restarts of the learning rate.

As in the study `elimination-ablation`, trainings are from width 16 to 20 and to 34 weights of the
Cubist Spiral. Each variant draws its own random numbers.

python -m benchmarks.elimination_variants
python -m benchmarks.elimination_variants --seeds 10 hessian-30
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

import sparsest
from benchmarks.report import table
from pruning.elimination import Edge, ShrinkingNetwork, eliminate, fold
from pruning.protocol import Measure, Requests, Segment, Snapshot, target_of
from pruning.saliency import Floats
from search.experiment import Experiment
from search.layers import Layers
from search.methods import METHODS

TARGETS = {20: 0.95, 34: 0.995}
"""Numbers of weights, and the accuracies that trainings should reach with them."""

DAMPING = 1e-2
"""Addition to the magnitudes of the Hessian's eigenvalues."""


class HessianNetwork(ShrinkingNetwork):
    """A network whose last weights are removed by optimal brain surgeon with the exact Hessian.

    The Hessian is that of the mean loss over the sample, in the kept weights and all biases. As it
    is not positive definite, its eigenvalues are replaced by their magnitudes plus `DAMPING`.

    Args:
        snapshot, sample: as for `ShrinkingNetwork`.
        below: number of weights at or below which the Hessian is used.
    """

    def __init__(self, snapshot: Snapshot, sample: tuple[Floats, Floats], below: int) -> None:
        super().__init__(snapshot, sample)
        self._below = below
        self._inverse: Floats | None = None

    def least(self, count: int, *, exact: bool) -> list[Edge]:
        """Return the weights of least w_q^2 / (2 [H^-1]_qq), the least first."""
        if self.weights > self._below:
            return super().least(count, exact=exact)
        if self._inverse is None:
            self._inverse = self._inverse_hessian()
        diagonal = np.diagonal(self._inverse)[: self.weights]
        saliencies = self._weights[self._kept] ** 2 / (2 * diagonal)
        edges = [
            (layer, int(target), int(source))
            for layer, mask in enumerate(self.masks)
            for target, source in np.argwhere(mask)
        ]
        return [edges[index] for index in np.argsort(saliencies, kind="stable")[:count]]

    def remove(self, edges: Iterable[Edge]) -> None:
        """Remove weights and move all other parameters to the minimum of the quadratic function."""
        if self._inverse is None:
            super().remove(edges)
            return
        ((layer, target, source),) = edges
        kept = self.masks
        place = sum(int(np.count_nonzero(mask)) for mask in kept[:layer])
        place += int(
            np.count_nonzero(kept[layer].ravel()[: target * kept[layer].shape[1] + source])
        )
        parameters = np.concatenate([self._weights[self._kept], self._biases])
        parameters -= parameters[place] * self._inverse[place] / self._inverse[place, place]
        parameters[place] = 0.0
        self._weights[self._kept] = parameters[: self.weights]
        self._biases[:] = parameters[self.weights :]
        kept[layer][target, source] = False
        self._kept = np.concatenate([mask.ravel() for mask in kept])
        fold(*self._parameters())
        self._unrolled = self._inverse = None

    def _inverse_hessian(self) -> Floats:
        """Return the inverse, float64 [parameters, parameters]."""
        points, labels = map(torch.from_numpy, self._sample)
        places = (torch.from_numpy(np.flatnonzero(self._kept)),)
        zeros = torch.zeros(len(self._kept), dtype=torch.float64)

        def loss(parameters: torch.Tensor) -> torch.Tensor:
            every = zeros.index_put(places, parameters[: self.weights])
            biases = parameters[self.weights :]
            values = points
            for layer, (n_out, n_in) in enumerate(self._shapes):
                matrix, every = every[: n_out * n_in].view(n_out, n_in), every[n_out * n_in :]
                values = values @ matrix.T + biases[:n_out]
                biases = biases[n_out:]
                if layer < len(self._shapes) - 1:
                    values = values.relu()
            return torch.nn.functional.binary_cross_entropy_with_logits(values[:, 0], labels)

        start = torch.from_numpy(np.concatenate([self._weights[self._kept], self._biases]))
        hessian = torch.autograd.functional.hessian(loss, start).numpy()  # type: ignore[no-untyped-call]
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        inverse: Floats = (vectors / (np.abs(values) + DAMPING)) @ vectors.T
        return inverse


def restarted(requests: Requests, rate: float) -> Requests:
    """Train every candidate at a rate first, and then for as many steps as elimination does."""
    reply: Any = None
    while True:
        try:
            request = requests.send(reply)
        except StopIteration as end:
            network: Snapshot = end.value
            return network
        if isinstance(request, list):
            trained = yield [replace(segment, rate=rate) for segment in request]
            steps = request[0].last_step - request[0].first_step
            request = [
                Segment(one, segment.last_step, segment.last_step + steps, segment.rate)
                for one, segment in zip(trained, request, strict=True)
            ]
        reply = yield request


def _elimination(
    experiment: Experiment,
    layers: Layers,
    measure: Measure,
    below: int = 0,
    restarts: bool = False,
) -> Requests:
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    shrinking = partial(HessianNetwork, below=below)
    requests = eliminate(experiment, layers, measure, target, shrinking)
    return restarted(requests, experiment.lr) if restarts else requests


VARIANTS: dict[str, Callable[..., Requests]] = {
    "elimination": _elimination,
    "hessian-30": partial(_elimination, below=30),
    "hessian-70": partial(_elimination, below=70),
    "restarts": partial(_elimination, restarts=True),
}
"""Name of each variant, and its algorithm."""


def main() -> None:
    """Train all variants and print how often they succeed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.elimination_variants", description=__doc__
    )
    parser.add_argument("names", nargs="*", metavar="VARIANT", default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=50)
    options = parser.parse_args()
    rows = []
    for name in options.names:
        method = sparsest.Method(
            f"variant-{name}",
            "adaptive",
            sparsest.TO_TARGET,
            settings=METHODS["elimination"].settings,
        )
        sparsest.register(method, VARIANTS[name])
        row: list[object] = [name]
        for target, accuracy in TARGETS.items():
            trained = sparsest.train(
                method.name, width=16, lr=0.02, target_nnz=target, seeds=range(options.seeds)
            ).df()
            row += [
                int((trained.accuracy >= accuracy).sum()),
                f"{100 * trained.accuracy.median():.1f}",
                f"{trained.train_ms.mean() / 1000:.2f}",
            ]
        rows.append(row)
        print(*row, file=sys.stderr, flush=True)
    titles = [
        f"{word} {target}" for target in TARGETS for word in ("reach, to", "median %, to", "s, to")
    ]
    print(table(["variant", *titles], rows))


if __name__ == "__main__":
    main()
