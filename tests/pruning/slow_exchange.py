"""Exchange with dictionaries of weights, one network at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import replace

import numpy as np

from pruning.protocol import Measure, Segment, Snapshot
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting
from tests.pruning.slow_elimination import SlowNetwork, slow_anneal, slow_stages


def slow_exchange(
    experiment: Experiment, layers: Layers, measure: Measure
) -> Generator[Segment, Snapshot, Snapshot]:
    """Request the same segments as `pruning.exchange`, for at most 1024 points."""
    assert experiment.target_nnz is not None
    sample = measure.points.astype(float).tolist(), measure.labels.astype(float).tolist()
    bits = np.random.PCG64(experiment.seed("exchange"))

    def draw() -> float:
        return float((int(bits.random_raw()) // 2**11) / 2**53)

    trained, step = yield from slow_stages(experiment, layers, measure)
    value = {name: setting(experiment, name) for name in ("retrain", "fine", "proposals", "grown")}
    retrain = round(value["retrain"] * experiment.epochs * measure.steps_per_epoch)
    rate = experiment.lr * value["fine"]
    trained = yield Segment(trained, step, step + retrain, rate)
    step += retrain
    for _ in range(int(setting(experiment, "rounds"))):
        copies = [
            slow_grown(SlowNetwork(trained, *sample), int(value["grown"]), draw)
            for _ in range(int(value["proposals"]))
        ]
        found = []
        for copy in copies:
            snapshot = copy.snapshot()
            at_rest = [(0 * weight, 0 * bias) for weight, bias in snapshot.layers]
            snapshot = replace(snapshot, velocities=at_rest)
            found.append((yield Segment(snapshot, step, step + 2 * retrain, experiment.lr)))
        step += 2 * retrain
        done: list[Snapshot] = []
        while True:
            larger = []
            for candidate in found:
                network = SlowNetwork(candidate, *sample)
                if len(network.weights) > experiment.target_nnz:
                    larger.append(network.without(network.least(1, exact=True)[0]).folded())
                else:
                    done.append(candidate)
            if not larger:
                break
            found = []
            for network in larger:
                found.append((yield Segment(network.snapshot(), step, step + retrain // 2, rate)))
            step += retrain // 2
        for steps, factor in ((retrain, 1), (retrain // 2, 0.2)):
            settled = []
            for candidate in done:
                settled.append((yield Segment(candidate, step, step + steps, rate * factor)))
            step += steps
            done = settled
        everything = [trained, *done]
        trained = min(everything, key=lambda one: SlowNetwork(one, *sample).loss())
    return (yield from slow_anneal(experiment, trained, measure, step))


def slow_grown(network: SlowNetwork, count: int, draw: Callable[[], float]) -> SlowNetwork:
    """Return a network with more weights, in the order of `pruning.exchange.grown`."""
    network = deepcopy(network)
    last = len(network.biases) - 1
    units = [list(range(len(network.points[0]))), *(list(range(len(b))) for b in network.biases)]
    used = {(0, source) for source in units[0]}
    used |= {(layer + 1, target) for layer, target, _ in network.weights}
    used |= {(last + 1, output) for output in units[-1]}
    if draw() < 0.3:
        layer = int(draw() * last)
        unused = [n for n in units[layer + 1] if (layer + 1, n) not in used]
        if unused:
            neuron = unused[0]
            used.add((layer + 1, neuron))
            sources = [n for n in units[layer] if (layer, n) in used]
            targets = [n for n in units[layer + 2] if (layer + 2, n) in used]
            network.biases[layer][neuron] = float(np.float32(draw() - 0.5))
            for _ in range(min(2, len(sources))):
                source = sources.pop(int(draw() * len(sources)))
                network.weights[layer, neuron, source] = float(np.float32(2 * draw() - 1))
                count -= 1
            target = targets[int(draw() * len(targets))]
            network.weights[layer + 1, target, neuron] = float(np.float32(draw() - 0.5))
            count -= 1
    absent = [
        (layer, target, source)
        for layer in range(last + 1)
        for target in units[layer + 1]
        for source in units[layer]
        if (layer + 1, target) in used and (layer, source) in used
        if (layer, target, source) not in network.weights
    ]
    for _ in range(min(count, len(absent))):
        edge = absent.pop(int(draw() * len(absent)))
        network.weights[edge] = float(np.float32(0.3 * (draw() - 0.5)))
    return network
