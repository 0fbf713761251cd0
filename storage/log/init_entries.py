"""Log entries of initialisations and searches, and of the networks that they chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, StringConstraints, ValidationError, model_validator

from search.layers import Layers, StoredInit
from storage.errors import RowsRefused
from storage.log.strict import Count, Name, Strict

_WIDTH = "[1-9][0-9]{0,3}"

StructureText = Annotated[str, StringConstraints(pattern=rf"^{_WIDTH}(x{_WIDTH}){{0,63}}$")]
"""Sizes of the hidden layers, such as "7x3x3"."""

MaskText = Annotated[str, StringConstraints(pattern=r"^[01|]*$")]
"""Mask of one layer, such as "01|10": rows of 0 and 1."""


class InitLayer(Strict):
    """One layer of an initialisation; every number is exactly representable as float32."""

    weight: Annotated[list[Annotated[list[float], Field(min_length=1)]], Field(min_length=1)]
    bias: list[float]

    @model_validator(mode="after")
    def _is_a_layer(self) -> Self:
        if len({len(row) for row in self.weight}) != 1:
            raise ValueError("the rows of a weight matrix differ in length")
        if len(self.bias) != len(self.weight):
            raise ValueError("a layer does not have one bias for each of its outputs")
        for row in (*self.weight, self.bias):
            exact = np.array(row, np.float64)
            with np.errstate(over="ignore"):
                if not np.array_equal(exact.astype(np.float32), exact):
                    raise ValueError("a number is not representable as float32")
        return self


class FoundNetwork(Strict):
    """A stored network that was chosen as the best of its study.

    Attributes:
        experiment_id: id of its row.
        label: its number, GROUP:RUN_ID.
        study, root_seed: name and root seed of the study in which it was trained.
        structure: number of neurons used in each hidden layer, such as "7x3x3".
        masks: masks of the hidden layers.
        accuracy, target: accuracy after training, and the one that it had to reach, 0 to 1.
        weight_nnz, model_nnz: number of nonzero weights, and of nonzero weights and biases.
        reached, trained: numbers of networks of the study that reached the target, and of all.
    """

    experiment_id: Name
    label: Name
    study: Name
    root_seed: Count
    structure: StructureText
    masks: list[MaskText]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    weight_nnz: Count
    model_nnz: Count
    target: Annotated[float, Field(ge=0, le=1)]
    reached: Annotated[int, Field(ge=1)]
    trained: Annotated[int, Field(ge=1)]


class PublishedInit(Strict):
    """A stored initialisation, NAME:DIGEST, from which published rows start, without its weights.

    It can be made again from `found`, the network whose initial weights it has; None if it came
    from a file.
    """

    token: Annotated[str, Field(pattern=r"^[^:]+:.+$")]
    found: FoundNetwork | None


class InitStored(Strict):
    """A named initialisation. It is frozen: no other one can take its name in this store.

    Attributes:
        digest: digest by which experiments refer to it.
        layers: layers in order, from the input.
        found: the best network that was trained from it; None if the user provided it.
    """

    kind: Literal["init"] = "init"
    name: Name
    digest: Name
    layers: Annotated[list[InitLayer], Field(min_length=1)]
    found: FoundNetwork | None = None

    @model_validator(mode="after")
    def _layers_fit(self) -> Self:
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if len(after.weight[0]) != len(before.weight):
                raise ValueError("the inputs of a layer are not the outputs of the layer before")
        return self


class SearchChoice(Strict):
    """The result of one phase of a search; a later one with the same settings replaces it.

    Attributes:
        settings: description of what was searched for.
        phase: 1 chooses structures, each with its best dense network; 2 chooses the sparsest
            network.
        trained, reached: numbers of networks that were considered, and that reached the target.
        networks: the chosen networks, the smallest first.
        chosen: UTC time, ISO 8601 with a Z.
    """

    kind: Literal["search"] = "search"
    settings: Name
    phase: Literal[1, 2]
    trained: Count
    reached: Count
    networks: list[FoundNetwork] = Field(min_length=1)
    chosen: Name


@dataclass(frozen=True, eq=False)
class FrozenInit(StoredInit):
    """An initialisation that is stored under its name; see `InitStored`."""

    found: FoundNetwork | None = None

    @classmethod
    def from_entry(cls, entry: InitStored) -> FrozenInit:
        """Return the initialisation of a log entry."""
        layers = tuple(
            (np.array(layer.weight, np.float32), np.array(layer.bias, np.float32))
            for layer in entry.layers
        )
        return cls(entry.name, entry.digest, layers, entry.found)


def init_entry(
    name: str, digest: str, layers: Layers, found: FoundNetwork | None = None
) -> InitStored:
    """Return the log entry of an initialisation; RowsRefused if shapes or values are not valid.

    JSON holds each float32 exactly, as the shortest decimal of the float64 of the same value.
    """
    for weight, bias in layers:
        if weight.dtype != np.float32 or bias.dtype != np.float32:
            raise RowsRefused(
                f"The initialisation {name} has {weight.dtype} and {bias.dtype}, not float32."
            )
    try:
        return InitStored(
            name=name,
            digest=digest,
            layers=[InitLayer(weight=w.tolist(), bias=b.tolist()) for w, b in layers],
            found=found,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise RowsRefused(f"Not an initialisation: {name}: {problem}.") from error
