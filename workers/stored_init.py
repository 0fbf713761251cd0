"""Stored initialisations: read from a file of the authors, or drawn again from a known training."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers, StoredInit
from search.paper import find_run
from workers.initial import initial_network

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
