"""The log entry of an initialisation, and of the network that it was found with."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from storage.log.strict import Count, Name, Strict


class InitLayer(Strict):
    """One layer of an initialisation; every number is exactly one of float32.

    Attributes:
        weight: float32 (outputs, inputs).
        bias: float32 (outputs,).
    """

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
                    raise ValueError("a number is not one of float32")
        return self


class FoundNetwork(Strict):
    """A stored network, and what it was the best of.

    Attributes:
        experiment_id: of its row.
        label: its number, GROUP:RUN_ID.
        study: in which it was trained.
        root_seed: of that study.
        structure: neurons used in each hidden layer, as text.
        masks: of the hidden layers.
        accuracy: after training.
        weight_nnz: its nonzero weights.
        model_nnz: its nonzero weights and biases.
        target: accuracy that it had to reach.
        reached: how many networks of the study reached it.
        trained: how many networks of the study were stored.
    """

    experiment_id: Name
    label: Name
    study: Name
    root_seed: Count
    structure: Name
    masks: list[str]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    weight_nnz: Count
    model_nnz: Count
    target: Annotated[float, Field(ge=0, le=1)]
    reached: Annotated[int, Field(ge=1)]
    trained: Annotated[int, Field(ge=1)]


class InitStored(Strict):
    """A named initialisation, frozen: no other one can take its name in this store.

    Attributes:
        name: such as "bench-95".
        digest: by which experiments name it.
        layers: from the input on.
        found: the network that was trained from it and for whose sake it was taken; None where a
            user handed it in.
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
                raise ValueError("a layer does not have as many inputs as the one before outputs")
        return self
