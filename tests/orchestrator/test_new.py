"""Writing a plug-in: the package of `new`, one training with `try`, and where its errors show."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from search.methods import method_named
from tests.installed import forget_plugins, install
from tests.orchestrator.running import INLINE, refused, rows, sparsest, write_sweep
from workers.conformance import DATASET_CHECKS, FAST_METHOD_CHECKS, METHOD_CHECKS

RAISING = """
def prune(experiment, layers, batches):
    return layers[99]
"""


@pytest.fixture
def here(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on the import path, in which commands run."""
    monkeypatch.chdir(site)
    return site


def install_from(folder: Path, site: Path) -> None:
    """Install a package as `pip install` does."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    for module in folder.iterdir():
        if module.is_dir() and module.name != "tests":
            module.rename(site / module.name)
    install(site, project["name"], project["version"], project["entry-points"])


def test_new_method_is_trained_without_being_installed(here: Path) -> None:
    assert sparsest("new", "method", "my-method").code == 0
    files = {str(path.relative_to(here)) for path in here.rglob("*.*")}
    assert {"my-method/pyproject.toml", "my-method/tests/test_my_method.py"} <= files
    ended = sparsest("try", "my-method", "--width", "4", "--target", "14", "--epochs", "1")
    assert ended.code == 0, ended.out
    assert "14 weights" in ended.out
    assert ended.out.count("layer ") == 4
    forget_plugins()


@pytest.mark.parametrize("prunes", ["before", "during", "adaptive"])
def test_new_method_passes_its_test_once_installed(prunes: str, here: Path) -> None:
    assert sparsest("new", "method", "my-method", "--prunes", prunes).code == 0
    test = (here / "my-method" / "tests" / "test_my_method.py").read_text()
    assert 'check("my-method")' in test
    assert "FAST_METHOD_CHECKS" in test
    install_from(here / "my-method", here)
    assert method_named("my-method").prunes == prunes
    for check in FAST_METHOD_CHECKS:
        check("my-method")
    assert set(FAST_METHOD_CHECKS) < set(METHOD_CHECKS)


def test_new_data_set_passes_its_test_once_installed(here: Path) -> None:
    sparsest("new", "dataset", "my-points")
    assert "DATASET_CHECKS" in (here / "my-points" / "tests" / "test_my_points.py").read_text()
    install_from(here / "my-points", here)
    for check in DATASET_CHECKS:
        check("my-points")


def test_new_data_set_has_no_time_of_pruning(here: Path) -> None:
    assert "--prunes" in refused("new", "dataset", "my-points", "--prunes", "during")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["Mine", "9lives", "a/b", ""])
def test_name_that_no_plugin_can_have_is_refused(name: str, here: Path) -> None:
    refused("new", "method", name)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("method", "gmp"),
        ("method", "grid"),  # a key of sweep files
        ("dataset", "xor"),
        ("method", "json"),
        ("dataset", "json"),
        ("dataset", "class"),
        ("dataset", "pruning"),  # a package of this project
    ],
)
def test_name_that_is_taken_is_refused_before_anything_is_written(
    kind: str, name: str, here: Path
) -> None:
    assert repr(name) in refused("new", kind, name)
    assert list(here.iterdir()) == []


def test_existing_folder_is_left_alone(here: Path) -> None:
    (here / "mine").mkdir()
    assert "mine" in refused("new", "method", "mine")
    assert list((here / "mine").iterdir()) == []


@pytest.mark.parametrize(
    ("method", "steps"), [("gmp", "from step      2:"), ("elimination", "from step")]
)
def test_try_shows_the_weights_over_time(method: str, steps: str) -> None:
    ended = sparsest("try", method, "--width", "3", "--target", "12", "--epochs", "1")
    assert ended.code == 0, ended.out
    counts = [line for line in ended.out.splitlines() if line.startswith("from step")]
    assert counts[0].split()[2:] == ["0:", "27", "weights"]
    assert len(counts) > 2


def test_error_of_a_method_shows_its_line_everywhere(here: Path) -> None:
    sparsest("new", "method", "bad-method")
    (here / "bad-method" / "bad_method" / "algorithm.py").write_text(RAISING)
    ended = sparsest("try", "bad-method", "--epochs", "1")
    assert ended.code == 1
    assert "layers[99]" in ended.err
    forget_plugins()
    for module in ("bad_method", "bad_method.algorithm"):
        del sys.modules[module]  # the command above ran in this process
    install_from(here / "bad-method", here)
    sweep = write_sweep(here / "s.toml", 'method = ["bad-method"]\nwidth = [4]\ntarget_nnz = [12]')
    store = here / "store"
    sparsest("run", str(sweep), "--store", str(store), *INLINE)
    (row,) = rows(store).to_pylist()
    assert row["status"] == "failed"
    assert "IndexError" in row["reason"]
    assert "algorithm.py, line 3, of bad_method" in row["reason"]
    assert "algorithm.py, line 3" in sparsest("status", "--store", str(store)).out
    log = next(here.glob("store*.log")).read_text()
    assert "layers[99]" in log


def test_method_that_chooses_no_masks_cannot_be_tried() -> None:
    assert "search" in refused("try", "search")
    assert "nowhere" in refused("try", "nowhere")


@pytest.mark.parametrize(
    "options",
    [
        ("gmp", "--target", "152"),
        ("l0", "--target", "5"),
        ("gmp", "--dataset", "elsewhere"),
        ("gmp", "--epochs", "199", "--dataset", "iris"),
    ],
)
def test_impossible_training_cannot_be_tried(options: tuple[str, ...]) -> None:
    assert options[1] in refused("try", *options)


def test_refusal_of_a_short_training_names_the_shortest_allowed_one() -> None:
    options = ("--dataset", "iris", "--width", "2", "--target", "10")
    assert "--epochs from 200" in refused("try", "gmp", *options)
    assert sparsest("try", "gmp", *options, "--epochs", "200").code == 0


@pytest.mark.parametrize("points", [256, 100])
def test_method_is_tried_on_a_data_set_in_a_file(
    points: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSEST_CACHE", str(here / "cache"))
    rows = [f"{n % 16},{n // 16},{n % 2}" for n in range(points)]
    (here / "points.csv").write_text("\n".join(["x,y,label", *rows]))
    options = ("--width", "2", "--target", "6", "--epochs", "1")
    ended = sparsest("try", "snip", "--dataset", "file:points.csv", *options)
    assert ended.code == 0, ended.err
    assert "accuracy" in ended.out
