"""Initial weights: drawn from an experiment's own seed, or taken from a stored file."""

from __future__ import annotations

import hashlib
import io
import itertools
import stat
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.experiment import FRESH_INIT, Experiment
from search.layers import Layer, Layers, StoredInit
from search.methods import method_named
from search.structure import Structure

_GAMMA = 0x9E3779B97F4A7C15
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

STORED_SHAPES: dict[str, tuple[int, int]] = {
    "first_layer": (16, 2),
    "second_layer": (16, 16),
    "third_layer": (16, 16),
    "clf": (1, 16),
}
"""Layers of a stored initialisation: name in the file, shape of the weight [n_out, n_in]."""

MAX_STORED_BYTES = 1 << 20
"""A larger file is not looked into: the authors' have a few thousand bytes."""

_PICKLE = b"\x80\x02"
"""Beginning of a file of torch's format before zip files."""


def initial_network(experiment: Experiment, inputs: int = 2) -> Layers:
    """The initial full-width network of an experiment (docs/paper.md, section 3).

    Every weight and bias of a layer is uniform in +-1/sqrt(fan_in). The numbers are made from
    seed = `experiment.seed("init")` alone: the k-th of them, counted from 0 layer by layer with
    weights (row-major) before biases, is

        u = (mix(seed + (k + 1) * GAMMA mod 2^64) >> 40) / 2^24
        bound * (2 * u - 1), in double precision, rounded to float32

    with splitmix64's GAMMA and finaliser mix, so that any language can make them again.

    Args:
        experiment: gives the seed, the width and the number of hidden layers.
        inputs: features of the data set.

    Returns:
        Layers of `inputs` -> width -> ... -> width -> 1 neurons.
    """
    widths = (inputs, *(experiment.width,) * len(experiment.hidden), 1)
    steps, bounds = _draw_plan(widths)
    z = _mix(steps + np.uint64(experiment.seed("init")))
    z >>= np.uint64(40)
    values = ((z * 2.0**-23 - 1.0) * bounds).astype(np.float32)
    return _split(values, widths)


def xavier_network(experiment: Experiment, layers: Layers) -> Layers:
    """A network with its weights drawn anew, Xavier-normal; the biases stay.

    The standard deviation is sqrt(2 / (fan_in + fan_out)) of the full-width layer (Glorot and
    Bengio 2010, docs/paper.md, section 5). The numbers are made from seed =
    `experiment.seed("xavier")` alone: weight k, counted from 0 layer by layer and row by row, is

        u_n = (mix(seed + (n + 1) * GAMMA mod 2^64) >> 11) / 2^53, mix as in `initial_network`
        deviation * sqrt(-2 * ln(1 - u_2k)) * cos(2 * pi * u_2k+1)

    in double precision (the transform of Box and Muller), rounded to float32.

    Args:
        experiment: gives the seed.
        layers: the full-width network.
    """
    weights = sum(weight.size for weight, _ in layers)
    steps = np.arange(1, 2 * weights + 1, dtype=np.uint64) * np.uint64(_GAMMA)
    uniform = (_mix(steps + np.uint64(experiment.seed("xavier"))) >> np.uint64(11)) * 2.0**-53
    normal = np.sqrt(-2 * np.log(1 - uniform[::2])) * np.cos(2 * np.pi * uniform[1::2])
    drawn: list[Layer] = []
    for weight, bias in layers:
        deviation = np.sqrt(2 / sum(weight.shape))
        values, normal = normal[: weight.size], normal[weight.size :]
        drawn.append(((deviation * values).astype(np.float32).reshape(weight.shape), bias))
    return drawn


def starting_network(
    experiment: Experiment, inits: Mapping[str, StoredInit], inputs: int = 2
) -> Layers:
    """The neurons that an experiment trains, at their initial weights.

    Where the method asks for it, the weights of a fresh network are a Xavier-normal draw.

    Args:
        experiment: gives the initialisation and, by `hidden`, the neurons used of it.
        inits: stored initialisations by their token.
        inputs: features of the data set.

    Returns:
        Layers of `inputs` -> hidden... -> 1 neurons, safe to train in place.

    Raises:
        ValueError: the method is unknown, the stored initialisation is not among `inits`, or it
            does not have the neurons, layers or inputs that the experiment uses.
    """
    if experiment.init == FRESH_INIT:
        fresh = initial_network(experiment, inputs)
        if method_named(experiment.method).xavier:
            fresh = xavier_network(experiment, fresh)
        return sub_network(fresh, experiment.hidden)
    if experiment.init not in inits:
        given = ", ".join(inits) or "none"
        raise ValueError(f"initialisation {experiment.init!r} was not given; given: {given}")
    layers = inits[experiment.init].layers
    if layers[0][0].shape[1] != inputs:
        raise ValueError(
            f"initialisation {experiment.init!r} is for {layers[0][0].shape[1]} inputs, "
            f"the data set {experiment.dataset!r} has {inputs}"
        )
    return sub_network(layers, experiment.hidden)


def sub_network(layers: Layers, hidden: Sequence[int]) -> Layers:
    """A copy of the first hidden[l] neurons of each hidden layer, with what runs between them.

    Args:
        layers: network with len(hidden) hidden layers.
        hidden: neurons to keep of each of them.

    Returns:
        Layers of inputs -> hidden... -> outputs neurons; numbers are copied, not shared.

    Raises:
        ValueError: a hidden layer has fewer neurons than asked for, or their number differs.
    """
    available = [bias.shape[0] for _, bias in layers[:-1]]
    if len(hidden) != len(available) or any(
        not 1 <= wanted <= there for wanted, there in zip(hidden, available, strict=True)
    ):
        raise ValueError(
            f"hidden layers {Structure(hidden)} cannot be taken from a network with "
            f"hidden layers {Structure(available)}: as many layers are needed, each "
            "with at least one neuron and no more than there are"
        )
    kept = [layers[0][0].shape[1], *hidden, layers[-1][0].shape[0]]
    return [
        (weight[:n_out, :n_in].copy(), bias[:n_out].copy())
        for (weight, bias), n_in, n_out in zip(layers, kept[:-1], kept[1:], strict=True)
    ]


def load_stored_init(path: Path, name: str) -> StoredInit:
    """Reads a torch state dict of a width-16 network; nothing in the file is executed.

    Args:
        path: file with the tensors of `STORED_SHAPES`, NAME.weight and NAME.bias, float32; or
            with such a state dict alone under the key "model", as the authors' code writes it.
        name: what to call it, such as "bench-95"; part of its token.

    Raises:
        ValueError: the file is not such a state dict: missing or surplus tensors, another shape
            or type, a number that is not finite, or not a torch file that can be read safely.
        OSError: the file cannot be opened.
    """
    content = _stored_bytes(path)
    # Fresh initialisations are made in workers that never need torch, which takes seconds to load.
    import torch

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        # Not torch's own message: it suggests to load the file unsafely.
        raise ValueError(f"{path}: not a torch file of plain tensors") from error
    if isinstance(state, Mapping) and set(state) == {"model"}:
        state = state["model"]
    wanted = {
        f"{layer}.{part}": shape if part == "weight" else shape[:1]
        for layer, shape in STORED_SHAPES.items()
        for part in ("weight", "bias")
    }
    if not isinstance(state, Mapping) or set(state) != set(wanted):
        found = ", ".join(map(str, state)) if isinstance(state, Mapping) else type(state).__name__
        raise ValueError(f"{path}: holds {found}; wanted exactly: {', '.join(wanted)}")
    arrays = {key: _checked(path, key, state[key], shape) for key, shape in wanted.items()}
    layers = [(arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]) for layer in STORED_SHAPES]
    return StoredInit(name, layers_digest(layers), layers)


def _stored_bytes(path: Path) -> bytes:
    """The content of a file that torch may look into.

    Pipes and devices would be waited for without end, archives of torch's first format are unpack
    into a folder, and few bytes can stand for many in a zip file.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path}: not a regular file")
    if found.st_size > MAX_STORED_BYTES:
        raise ValueError(
            f"{path}: has {found.st_size:,} bytes; an initialisation has a few thousand, at most "
            f"{MAX_STORED_BYTES:,} are read"
        )
    content = path.read_bytes()
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path}: not a torch file of plain tensors") from error
        if unpacked > MAX_STORED_BYTES:
            raise ValueError(f"{path}: not a torch file of plain tensors: {unpacked:,} bytes in it")
    elif not content.startswith(_PICKLE):
        raise ValueError(f"{path}: not a torch file of plain tensors")
    return content


def layers_digest(layers: Layers) -> str:
    """First 16 hexadecimal digits of the SHA-256 over a network's numbers; see `StoredInit`."""
    digest = hashlib.sha256()
    for layer in layers:
        for array in layer:
            digest.update(array.astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def _checked(path: Path, key: str, tensor: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{path}: {key} is a {type(tensor).__name__}, wanted a tensor")
    if tensor.dtype != torch.float32 or tuple(tensor.shape) != shape:
        raise ValueError(
            f"{path}: {key} is {tensor.dtype} {list(tensor.shape)}, "
            f"wanted torch.float32 {list(shape)}"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{path}: {key} holds numbers that are not finite")
    array: NDArray[np.float32] = tensor.detach().contiguous().numpy().copy()
    array.setflags(write=False)
    return array


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser; `z` is overwritten."""
    z ^= z >> np.uint64(30)
    z *= _MIX_1
    z ^= z >> np.uint64(27)
    z *= _MIX_2
    z ^= z >> np.uint64(31)
    return z


@lru_cache(maxsize=64)
def _draw_plan(widths: tuple[int, ...]) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """What does not depend on the seed: counter times GAMMA, and the bound, of every number."""
    fan_in = np.repeat(
        widths[:-1],
        [n_in * n_out + n_out for n_in, n_out in itertools.pairwise(widths)],
    )
    counter = np.arange(1, fan_in.size + 1, dtype=np.uint64)
    return counter * np.uint64(_GAMMA), 1 / np.sqrt(fan_in)


def _split(values: NDArray[np.float32], widths: Sequence[int]) -> Layers:
    layers: list[Layer] = []
    place = 0
    for n_in, n_out in itertools.pairwise(widths):
        weight = values[place : place + n_out * n_in].reshape(n_out, n_in)
        place += n_out * n_in
        layers.append((weight, values[place : place + n_out]))
        place += n_out
    return layers
