"""The package that `sparsest new` writes: a plug-in that works, and its test."""

from __future__ import annotations

from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Literal

from orchestrator.errors import UserError, user_errors
from search.datasets import dataset_names
from search.method import TO_TARGET, Method
from search.methods import all_methods
from search.plugins import check_name

PluginKind = Literal["method", "dataset"]

Prunes = Literal["before", "during", "adaptive"]
"""When a new method prunes; see `search.method.Phase`."""

_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
dependencies = ["sparsest"]

[project.entry-points."sparsest.{group}"]
{name} = "{module}:{target}"

[tool.setuptools]
packages = ["{module}"]
"""

_METHOD = '''\
"""The pruning method {name}."""

from sparsest import TO_TARGET, Method

METHOD = Method(
    name="{name}",
    prunes="{prunes}",
    keys=TO_TARGET,  # sweep files give a target_nnz
    module="{module}.algorithm",
    cost=(1.0, 100.0),  # time to choose the masks: ms, and ns more per weight; for `plan`
)
'''

_BEFORE = '''\
"""The masks of {name}: the largest initial weights, in whichever layer they are."""

import numpy as np

from sparsest import Pruned, bias_masks, by_layer, flat_weights, highest, target_of


def prune(experiment, layers, batches):
    """Return the masks of weights and biases; see `sparsest.PrunesBefore`."""
    scores = np.abs(flat_weights(layers))
    kept = highest(scores, target_of(experiment, len(scores)))
    masks = by_layer(kept, [weight.shape for weight, _ in layers])
    return Pruned(masks, bias_masks(masks))
'''

_DURING = '''\
"""The masks of {name}: the largest weights from the middle of the training on."""

from types import SimpleNamespace

from sparsest import Snapshot, flat_weights, full_masks, keep_largest, target_of


def begin(experiment, layers, steps, permutation):
    """Return the schedule of the masks; see `sparsest.PrunesDuring`."""
    target = target_of(experiment, len(flat_weights(layers)))

    def change(step, network, batch):
        masks = keep_largest(network.layers, target + 1)  # those above the weight of this rank
        return Snapshot(network.layers, network.velocities, masks.weight_masks, masks.bias_masks)

    return SimpleNamespace(
        start=full_masks(layers),  # masks of the first step
        changes=[steps // 2],  # steps before which `change` is called
        change=change,
        rounds=1,
        takes_step=False,
    )


def stages(experiment, weights):
    """Return rounds of training, and the weights trained in them, for the command `plan`."""
    return [(0.5, weights), (0.5, target_of(experiment, weights))]
'''

_ADAPTIVE = '''\
"""The networks of {name}: train, keep the largest weights, and train these again."""

import numpy as np

from sparsest import dense_network, flat_weights, highest, target_of, train_rounds, with_weights


def requests(experiment, layers, measure):
    """Yield segments of training; return the network; see `sparsest.PrunesAdaptively`."""
    target = target_of(experiment, len(flat_weights(layers)))
    network = yield from train_rounds(dense_network(layers), measure)
    weights = flat_weights(network.layers)
    weights[~highest(np.abs(weights), target)] = 0
    network = with_weights(network, weights)
    step = experiment.epochs * measure.steps_per_epoch
    return (yield from train_rounds(network, measure, step))


def stages(experiment, weights):
    """Return rounds of training, and the weights trained in them, for the command `plan`."""
    return [(1.0, weights), (1.0, target_of(experiment, weights))]
'''

_ALGORITHMS: dict[Prunes, str] = {"before": _BEFORE, "during": _DURING, "adaptive": _ADAPTIVE}

_METHOD_TEST = '''\
"""The contract of a pruning method; `sparsest plugins --check {name}` runs all of its checks."""

import pytest

from sparsest import FAST_METHOD_CHECKS


@pytest.mark.parametrize("check", FAST_METHOD_CHECKS, ids=lambda check: check.__name__)
def test_method_satisfies_the_contract(check):
    check("{name}")
'''

_DATASET = '''\
"""The data set {name}: two classes on both sides of a circle."""

import numpy as np

from sparsest import Dataset, standardised


def dataset():
    """Return 1,024 points, the same ones on every call."""
    points = np.random.default_rng(0).uniform(-1, 1, size=(1024, 2))
    labels = (points**2).sum(axis=1) < 0.6
    return Dataset.of("{name}", standardised(points), labels)
'''

_DATASET_TEST = '''\
"""The contract of a data set; `sparsest plugins --check {name}` runs the same checks."""

import pytest

from sparsest import DATASET_CHECKS


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
def test_data_set_satisfies_the_contract(check):
    check("{name}")
'''


def write_package(kind: PluginKind, name: str, parent: Path, prunes: Prunes = "before") -> Path:
    """Write a package with a working plug-in into a new folder of its name; return the folder.

    Args:
        kind: what the package provides.
        name: name of the plug-in, of the package and of the folder.
        parent: where to make the folder.
        prunes: of a method: when it prunes.

    Raises:
        UserError: the name is taken or cannot be that of a package, or a file cannot be written.
    """
    is_method = kind == "method"
    with user_errors(f"{name!r}: "):
        check_name(name)
        if is_method:
            # Imported here: it needs pydantic, which takes long to import.
            from search.plugin_methods import check_method

            check_method(name, Method(name, prunes, TO_TARGET, name, cost=(1.0, 100.0)))
    if name in (all_methods() if is_method else dataset_names()):
        raise UserError(f"there is a {kind} {name!r} already; choose another name")
    module = name.replace("-", "_").replace(".", "_")
    if not module.isidentifier():
        raise UserError(f"{name!r} begins with a digit, so no Python module can have that name")
    # A folder without `__init__.py` has no origin, and hides no package.
    if iskeyword(module) or getattr(find_spec(module), "origin", None):
        raise UserError(
            f"{name!r}: Python already has a keyword or module {module!r}; choose another name"
        )
    group, target = ("methods", "METHOD") if is_method else ("datasets", "dataset")
    files = {
        "pyproject.toml": _PROJECT,
        f"{module}/__init__.py": _METHOD if is_method else _DATASET,
        f"tests/test_{module}.py": _METHOD_TEST if is_method else _DATASET_TEST,
    }
    if is_method:
        files[f"{module}/algorithm.py"] = _ALGORITHMS[prunes]
    fields = {"name": name, "module": module, "group": group, "target": target, "prunes": prunes}
    folder = parent / name
    try:
        folder.mkdir()
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text.format(**fields))
    except FileExistsError as error:
        raise UserError(f"{folder} exists: choose another name, or remove it") from error
    except OSError as error:
        raise UserError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return folder
