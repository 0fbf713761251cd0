"""The known networks, their file `results/records.json`, and the records among them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    ValidationError,
)

from analysis.records.evaluation import accuracies, counts_of, rounded_down
from search.datasets import DATASETS
from search.layers import Layers
from workers.datasets import load_dataset

ACCURACIES = tuple(map(Fraction, ("0.8", "0.85", "0.9", "0.95", "0.98", "0.99", "0.995", "1")))
"""Accuracies for which there are records."""

COUNTS = ("weights", "weights and biases", "live weights")
"""Numbers that a record minimises; see `evaluation.counts_of`."""

MAX_PARAMETERS = 100_000
"""Maximum number of parameters of a network in a file, zeros included."""

_HEXADECIMAL = re.compile(r"0|[+-]?0x[0-9a-f]+(\.[0-9a-f]*)?(p[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Known:
    """A network for a built-in data set and what is known about it.

    Attributes:
        by: who or what found it.
        trainings: number of trainings of the study and method that found it, as published or else
            in the store from which it was added; None if unknown.
        core_seconds: wall-clock seconds of these trainings, one core each; None if unknown.
        accuracy: see `evaluation.accuracies`; empty before `measured`.
        counts: see `evaluation.counts_of`; empty before `measured`.
    """

    dataset: str
    layers: Layers
    by: str
    trainings: int | None = None
    core_seconds: float | None = None
    accuracy: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def measured(self) -> Self:
        """Return the network with its accuracies and counts, computed from its parameters."""
        data = load_dataset(self.dataset)
        return replace(
            self, accuracy=accuracies(self.layers, data), counts=counts_of(self.layers, data)
        )

    def json(self) -> str:
        """Return the network as JSON, with a line for each neuron."""
        names = [field.name for field in fields(self) if field.name != "layers"]
        head = [f" {json.dumps(name)}: {json.dumps(getattr(self, name))}" for name in names]
        layers = []
        for weight, bias in self.layers:
            rows = ",\n   ".join(json.dumps(_hexadecimal(row)) for row in weight)
            layers.append(
                f'  {{"weight": [\n   {rows}],\n   "bias": {json.dumps(_hexadecimal(bias))}}}'
            )
        return "{\n" + ",\n".join([*head, ' "layers": [\n' + ",\n".join(layers) + "]"]) + "}"


@dataclass(frozen=True)
class Record:
    """The fewest weights at an accuracy: the value of one of `COUNTS`, and the network."""

    dataset: str
    accuracy: Fraction
    count: str
    fewest: int
    holder: Known


def records(networks: Sequence[Known]) -> list[Record]:
    """Return the records among measured networks, by data set, accuracy and count.

    Of networks with the same count, the one with fewer weights and biases holds the record, and
    then the first.
    """
    found = []
    for dataset in dict.fromkeys(network.dataset for network in networks):
        of_dataset = [network for network in networks if network.dataset == dataset]
        for accuracy in ACCURACIES:
            reaching = [one for one in of_dataset if all(reached(one, accuracy))]
            for count in COUNTS if reaching else ():
                best = min(
                    reaching, key=lambda one: (one.counts[count], one.counts["weights and biases"])
                )
                found.append(Record(dataset, accuracy, count, best.counts[count], best))
    return found


def reached(network: Known, accuracy: Fraction) -> list[bool]:
    """Return for each way of evaluation whether a measured network reaches an accuracy."""
    # Accuracies are rounded down, so the accuracy to be reached must be too: 147 of 150 are 98 %.
    return [value >= rounded_down(accuracy) for value in network.accuracy.values()] or [False]


def improvements(networks: Sequence[Known], added: Known) -> list[Record]:
    """Return the records that a measured network would hold among others that are measured."""
    return [one for one in records([*networks, added]) if one.holder is added]


def holders(networks: Sequence[Known]) -> list[Known]:
    """Return the networks that hold a record, in the order of the records."""
    return list({id(one.holder): one.holder for one in records(networks)}.values())


def read_networks(path: Path) -> list[Known]:
    """Read the networks of a file, and measure those that lack accuracies or counts.

    A ValueError names the first that has another form.
    """
    content = json.loads(path.read_text())
    listed = content.get("networks") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it has no list `networks`")
    return [_network(number, value) for number, value in enumerate(listed, start=1)]


def file_text(networks: Sequence[Known]) -> str:
    """Return the content of a file with these networks."""
    return '{"networks": [\n' + ",\n".join(network.json() for network in networks) + "\n]}\n"


def _hexadecimal(values: NDArray[np.float32]) -> list[str]:
    return [float(value).hex() if value else "0" for value in values]


def _float32(text: str) -> float:
    """Return the float32 number that a hexadecimal text stands for; ValueError if there is none."""
    if not _HEXADECIMAL.fullmatch(text):
        raise ValueError("should be a hexadecimal number such as 0x1.8p+1, or 0")
    try:
        number = float.fromhex(text)
    except OverflowError:
        number = inf
    # As Python floats: NumPy would round the other side of a comparison to float32.
    if abs(number) > float(np.finfo(np.float32).max) or float(np.float32(number)) != number:
        raise ValueError("should be a finite float32 number")
    return number


def _matrix(rows: list[list[float]]) -> list[list[float]]:
    """Return the rows of a matrix; ValueError if they have different lengths."""
    if len(set(map(len, rows))) > 1:
        raise ValueError("rows should have equal lengths")
    return rows


_Number = Annotated[str, AfterValidator(_float32)]


class _Layer(BaseModel):
    weight: Annotated[list[list[_Number]], AfterValidator(_matrix)]
    bias: list[_Number]


class _Network(BaseModel):
    """A network in a file."""

    dataset: str
    by: Annotated[str, Field(pattern=r"\S")]
    trainings: NonNegativeInt | None = None
    core_seconds: NonNegativeFloat | None = None
    accuracy: dict[str, float] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    layers: list[_Layer]


def _network(number: int, value: Any) -> Known:
    try:
        if not isinstance(value, dict):
            raise ValueError("it is not an object")
        read = _Network.model_validate(value)
        layers = [
            (np.array(one.weight, np.float32), np.array(one.bias, np.float32))
            for one in read.layers
        ]
        network = Known(layers=layers, **read.model_dump(exclude={"layers"}))
        _check(network)
        if not network.accuracy or network.counts.keys() != {*COUNTS}:
            network = network.measured()
    except ValidationError as error:
        raise ValueError(f"network {number}: {_first_problem(error)}") from error
    except ValueError as error:
        raise ValueError(f"network {number}: {error}") from error
    return network


def _first_problem(error: ValidationError) -> str:
    """Return the place of the first wrong value, such as layers[0].bias[1], and the rule for it."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first["loc"])
    return f"{place.removeprefix('.')}: {first['msg'].removeprefix('Value error, ')}"


def _check(network: Known) -> None:
    if network.dataset not in DATASETS:
        raise ValueError(f"`dataset` is none of {', '.join(DATASETS)}")
    spec = DATASETS[network.dataset]
    sizes = [spec.features, *(len(bias) for _, bias in network.layers)]
    expected = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    fits = [weight.shape for weight, _ in network.layers] == expected
    if not fits or not expected or sizes[-1] != spec.outputs:
        raise ValueError(
            f"the shapes do not fit together, or not {spec.features} inputs and {spec.outputs} "
            "outputs"
        )
    if sum(weight.size + bias.size for weight, bias in network.layers) > MAX_PARAMETERS:
        raise ValueError(f"it has more than {MAX_PARAMETERS:,} parameters")
