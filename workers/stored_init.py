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
"""Layers of a stored initialisation: name in the file -> shape of the weight (n_out, n_in)."""

MAX_STORED_BYTES = 1 << 20
"""Maximum size of a file, in bytes; the authors' files have a few thousand."""

_PICKLE = b"\x80\x02"
"""First bytes of a file in torch's format before zip files."""


def remade_init(name: str, label: str, root_seed: int) -> StoredInit:
    """Return the full-width initial weights of a training of the search as an initialisation.

    The training is GROUP:RUN_ID of the authors.
    """
    study, index = find_run(label)
    layers = initial_network(study.with_root_seed(root_seed)[index])
    return StoredInit(name, layers_digest(layers), layers)


def load_stored_init(path: Path, name: str) -> StoredInit:
    """Read a torch state dict of a width-16 network; no code in the file is executed.

    The file has the float32 tensors NAME.weight and NAME.bias of `STORED_SHAPES`, possibly nested
    under the single key "model", as the authors' code writes it. The name, such as "bench-95", is
    part of the token.

    Raises:
        ValueError: tensors are missing, surplus, not finite or of another shape or type, or the
            file is not a torch file that can be read safely.
        OSError: the file cannot be opened.
    """
    content = _stored_bytes(path)
    # Imported late: torch takes seconds, and fresh initialisations do not need it.
    import torch

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged or foreign file
        # Without torch's message, which suggests loading the file unsafely.
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
        raise ValueError(f"{path}: contains {found}; expected exactly {', '.join(wanted)}")
    arrays = {key: _checked(path, key, state[key], shape) for key, shape in wanted.items()}
    layers = [(arrays[f"{layer}.weight"], arrays[f"{layer}.bias"]) for layer in STORED_SHAPES]
    return StoredInit(name, layers_digest(layers), layers)


def _stored_bytes(path: Path) -> bytes:
    """Return the content of a file that torch may read.

    Refuses pipes and devices, which may block for ever, archives in torch's first format, which
    torch unpacks into a folder, and zip files that expand to many bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path}: not a regular file")
    if found.st_size > MAX_STORED_BYTES:
        raise ValueError(
            f"{path}: has {found.st_size:,} bytes, too many for an initialisation; the limit is "
            f"{MAX_STORED_BYTES:,}"
        )
    content = path.read_bytes()
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path}: not a torch file of plain tensors") from error
        if unpacked > MAX_STORED_BYTES:
            raise ValueError(
                f"{path}: not a torch file of plain tensors: it expands to {unpacked:,} bytes"
            )
    elif not content.startswith(_PICKLE):
        raise ValueError(f"{path}: not a torch file of plain tensors")
    return content


def layers_digest(layers: Layers) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a network; see `StoredInit`."""
    digest = hashlib.sha256()
    for layer in layers:
        for array in layer:
            digest.update(array.astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def _checked(path: Path, key: str, tensor: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{path}: {key} is a {type(tensor).__name__}, expected a tensor")
    if tensor.dtype != torch.float32 or tuple(tensor.shape) != shape:
        raise ValueError(
            f"{path}: {key} is {tensor.dtype} {list(tensor.shape)}, "
            f"expected torch.float32 {list(shape)}"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{path}: {key} contains numbers that are not finite")
    array: NDArray[np.float32] = tensor.detach().contiguous().numpy().copy()
    array.setflags(write=False)
    return array
