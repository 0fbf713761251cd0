"""Initial weights of an experiment, drawn from its seed or taken from a stored initialisation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.experiment import FRESH_INIT, Experiment
from search.layers import Layer, Layers, StoredInit, by_layer, interleaved
from search.methods import method_named
from search.splitmix import GAMMA, mix
from search.structure import Structure


def initial_network(experiment: Experiment, inputs: int = 2, outputs: int = 1) -> Layers:
    """Return the initial full-width network of an experiment (docs/paper.md, section 3).

    The hidden layers are `width` neurons each if the method trains a part of the network, otherwise
    `hidden`. Every weight and bias of a layer is uniform in +-1/sqrt(fan_in). The numbers depend on
    seed = `experiment.seed("init")` alone. Number k, counted from 0 layer by layer with weights
    (row-major) before biases, is

        u = (mix(seed + (k + 1) * GAMMA mod 2^64) >> 40) / 2^24
        bound * (2 * u - 1), in double precision, rounded to float32

    with GAMMA and the finaliser mix of splitmix64, so that any language can reproduce them.

    Raises:
        ValueError: the method is unknown, or a pruning algorithm's structure and width are not
            those of `Structure.as_whole`.
    """
    hidden = experiment.hidden
    if method_named(experiment.method).trains_part:
        hidden = Structure.uniform(experiment.width, len(hidden))
    elif (experiment.structure, experiment.width) != hidden.as_whole:
        structure, width = hidden.as_whole
        raise ValueError(
            f"method {experiment.method!r} with structure {hidden} and width {experiment.width}: "
            f"a network has one description, structure={structure and tuple(structure)} and "
            f"width={width}"
        )
    widths = (inputs, *hidden, outputs)
    steps, bounds = _draw_plan(widths)
    z = mix(steps + np.uint64(experiment.seed("init"))) >> np.uint64(40)
    values = ((z * 2.0**-23 - 1.0) * bounds).astype(np.float32)
    return interleaved(values, hidden.shapes(inputs, outputs))


def normal_network(
    experiment: Experiment, layers: Layers, scheme: Literal["kaiming", "xavier"]
) -> Layers:
    """Return a network with the same biases and normal weights.

    The standard deviation of a full-width layer is sqrt(2 / (fan_in + fan_out)) for "xavier"
    (Glorot and Bengio 2010; docs/paper.md, section 5) and sqrt(2 / fan_in) for "kaiming" (He et al.
    2015, equation 10). The numbers depend on seed = `experiment.seed(scheme)` alone. Weight k,
    counted from 0 layer by layer and row by row, is

        u_n = (mix(seed + (n + 1) * GAMMA mod 2^64) >> 11) / 2^53, mix as in `initial_network`
        deviation * sqrt(-2 * ln(1 - u_2k)) * cos(2 * pi * u_2k+1)

    in double precision (Box-Muller transform), rounded to float32.
    """
    weights = sum(weight.size for weight, _ in layers)
    steps = np.arange(1, 2 * weights + 1, dtype=np.uint64) * np.uint64(GAMMA)
    uniform = (mix(steps + np.uint64(experiment.seed(scheme))) >> np.uint64(11)) * 2.0**-53
    normal = np.sqrt(-2 * np.log(1 - uniform[::2])) * np.cos(2 * np.pi * uniform[1::2])
    drawn: list[Layer] = []
    split = by_layer(normal, [weight.shape for weight, _ in layers])
    for values, (weight, bias) in zip(split, layers, strict=True):
        fan_out, fan_in = weight.shape
        deviation = np.sqrt(2 / (fan_in + fan_out if scheme == "xavier" else fan_in))
        drawn.append(((deviation * values).astype(np.float32), bias))
    return drawn


def starting_network(
    experiment: Experiment, inits: Mapping[str, StoredInit], inputs: int = 2, outputs: int = 1
) -> Layers:
    """Return the initial network of the neurons that an experiment trains: `Experiment.hidden`.

    The weights of a fresh network have the distribution of its `init_scheme`. The caller may modify
    the layers.

    Raises:
        ValueError: the method is unknown, the stored initialisation is not among `inits`, it lacks
            neurons or layers that the experiment uses, or it has other inputs or outputs.
    """
    return sub_network(full_network(experiment, inits, inputs, outputs), experiment.hidden)


def full_network(
    experiment: Experiment, inits: Mapping[str, StoredInit], inputs: int = 2, outputs: int = 1
) -> Layers:
    """Return the initial full-width network that `starting_network` takes the used neurons of.

    Errors are the same, and a ValueError if the experiment names the scheme of its method.
    """
    if experiment.init == FRESH_INIT:
        default = method_named(experiment.method).init_scheme
        if experiment.init_scheme == default:
            raise ValueError(
                f"init_scheme {default!r} is that of method {experiment.method!r} already: leave "
                "it out"
            )
        scheme = experiment.init_scheme or default
        fresh = initial_network(experiment, inputs, outputs)
        return fresh if scheme == "torch" else normal_network(experiment, fresh, scheme)
    if experiment.init_scheme is not None:
        raise ValueError(
            f"init_scheme {experiment.init_scheme!r} has no effect on the stored weights of "
            f"{experiment.init!r}: leave it out"
        )
    if experiment.init not in inits:
        available = ", ".join(inits) or "none"
        raise ValueError(f"initialisation {experiment.init!r} is missing; available: {available}")
    layers = inits[experiment.init].layers
    if layers[0][0].shape[1] != inputs:
        raise ValueError(
            f"initialisation {experiment.init!r} has {layers[0][0].shape[1]} inputs, but data set "
            f"{experiment.dataset!r} has {inputs} features"
        )
    if len(layers[-1][1]) != outputs:
        raise ValueError(
            f"initialisation {experiment.init!r} has {len(layers[-1][1])} outputs, but a network "
            f"for data set {experiment.dataset!r} has {outputs}"
        )
    return layers


def sub_network(layers: Layers, hidden: Sequence[int]) -> Layers:
    """Return a copy of the first hidden[l] neurons of each hidden layer l and their connections.

    A ValueError if the number of hidden layers differs, or one has too few neurons.
    """
    available = [bias.shape[0] for _, bias in layers[:-1]]
    if len(hidden) != len(available) or any(
        not 1 <= wanted <= neurons for wanted, neurons in zip(hidden, available, strict=True)
    ):
        raise ValueError(
            f"hidden layers {Structure(hidden)} do not fit into a network with hidden layers "
            f"{Structure(available)}: use the same number of layers, each with at least one "
            "neuron and no more than the network has"
        )
    kept = [layers[0][0].shape[1], *hidden, layers[-1][0].shape[0]]
    return [
        (weight[:n_out, :n_in].copy(), bias[:n_out].copy())
        for (weight, bias), n_in, n_out in zip(layers, kept[:-1], kept[1:], strict=True)
    ]


@lru_cache(maxsize=64)
def _draw_plan(widths: tuple[int, ...]) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Return counter * GAMMA and the bound of every number, which do not depend on the seed."""
    fan_in = np.repeat(
        widths[:-1],
        [n_in * n_out + n_out for n_in, n_out in itertools.pairwise(widths)],
    )
    counter = np.arange(1, fan_in.size + 1, dtype=np.uint64)
    return counter * np.uint64(GAMMA), 1 / np.sqrt(fan_in)
