"""The packages on docs/add-a-method.md and docs/add-a-data-set.md, exactly as shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from inspect import getdoc
from pathlib import Path
from typing import Any

import pytest

from orchestrator.doctor.software import check_plugins
from orchestrator.planning.targets import find_targets
from orchestrator.plugins import all_plugins
from search.experiment import Experiment
from search.indices import IndexSet
from tests.docs.pages import ROOT, blocks, prose
from tests.installed import forget_plugins, install
from tests.orchestrator.running import INLINE, environment, query, refused, rows, sparsest
from workers.conformance import (
    DATASET_CHECKS,
    METHOD_CHECKS,
    Check,
    data_set_is_reproducible,
)
from workers.task import Task, run_task
from workers.train import train_batch

METHOD, DATASET = (ROOT / "docs" / f"add-a-{name}.md" for name in ("method", "data-set"))


def unpack(page: Path, folder: Path) -> None:
    """Write a page's files into a folder and install the package that they form."""
    for block in blocks(page):
        named = re.match(r"# (\S+)\n", block.code)
        if named is not None:
            file = folder / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.code)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    install(folder, project["name"], project["version"], project["entry-points"])


@pytest.fixture
def method(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page on methods, in which commands run."""
    unpack(METHOD, site)
    monkeypatch.chdir(site)
    return site


@pytest.fixture
def dataset(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page on data sets, in which commands run."""
    unpack(DATASET, site)
    monkeypatch.chdir(site)
    return site


def test_page_lists_the_files_that_it_shows() -> None:
    for page in (METHOD, DATASET):
        code = "".join(block.code for block in blocks(page))
        listed = re.findall(r"^        (\S+)$", prose(page), re.MULTILINE)
        assert listed
        assert all(f"# {name}\n" in code for name in listed)


@pytest.mark.parametrize("name", ["even", "halfway", "once", "patient", "squared"])
@pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
def test_page_method_satisfies_the_contract(method: Path, check: Check, name: str) -> None:
    # Run the test that the page shows.
    names: dict[str, Any] = {}
    exec((method / "tests" / "test_even.py").read_text(), names)
    names["test_method_satisfies_the_contract"](check, name)


def test_page_adaptive_method_prunes_to_the_target(method: Path) -> None:
    halved = Experiment(method="patient", width=8, target_nnz=30, epochs=2)
    slower = replace(halved, hyperparameters=(("fraction", 0.8),))
    first, second = train_batch([halved, slower]).to_pylist()
    assert (first["status"], first["weight_nnz"]) == ("ok", 30)
    assert (second["status"], second["weight_nnz"]) == ("ok", 30)
    assert first["weights"] != second["weights"]


@pytest.mark.parametrize("name", ["halfway", "once"])
def test_page_methods_prune_to_the_target(name: str, method: Path) -> None:
    (row,) = train_batch([Experiment(method=name, width=8, target_nnz=30, epochs=2)]).to_pylist()
    assert (row["status"], row["weight_nnz"]) == ("ok", 30)


def test_page_method_without_a_target_stores_its_extras(method: Path) -> None:
    fixed = Experiment(method="squared", width=8, epochs=2, hyperparameters=(("decay", 0.002),))
    relative = replace(fixed, hyperparameters=(("decay", 0.002), ("rule", "relative")))
    first, second = train_batch([fixed, relative]).to_pylist()
    for row in (first, second):
        largest = max(map(abs, row["weights"]))
        assert json.loads(row["extras"]) == {"largest": pytest.approx(largest)}
        assert (row["target_nnz"], row["steps"]) == (None, 2 * 390)
        assert row["edge_updates"] == 2 * 390 * 152
    assert min(map(abs, first["weights"])) > 0.01
    assert 0 < first["weight_nnz"] < 152


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
def test_page_data_set_satisfies_the_contract(dataset: Path, check: Check) -> None:
    check("two-shells")


def test_page_method_trains(method: Path) -> None:
    assert "'even' of the package even-pruning 1.0" in sparsest("plugins").out
    (selection,) = find_targets(["even.toml"])
    assert len(selection.study) == 27
    # One epoch per training; everything else as on the page.
    sweep = Path("even.toml")
    sweep.write_text(sweep.read_text().replace("[base]", "[base]\nepochs = 1"))
    assert sparsest("plan", "even.toml").code == 0
    assert sparsest("run", "even.toml", "--store", "even", *INLINE).code == 0
    (row,) = query(
        Path("even"),
        "SELECT count(*) AS n, list(DISTINCT weight_nnz) AS weights "
        "FROM results WHERE method = 'even'",
    ).to_pylist()
    assert (row["n"], sorted(row["weights"])) == (18, [20, 30, 40])
    (sweep_row,) = query(
        Path("even"), "SELECT versions['even-pruning'] AS v FROM sweeps"
    ).to_pylist()
    assert sweep_row["v"] == "1.0"
    result = sparsest("show", "--best", "even", "--target", "0.4", "--store", "even")
    assert (result.code, Path(result.out.partition(":")[0]).suffix) == (0, ".svg")


def test_page_data_set_trains(dataset: Path) -> None:
    for sweep, layers in (
        ("shells", [[3, 3, 3, 3, 1], [3, 6, 4, 1], [3, 8, 8, 8, 1]]),
        ("depths", [[2, 4, 3, 3, 2, 1], [2, 5, 4, 1], [2, 8, 1]]),
    ):
        file = Path(f"{sweep}.toml")
        file.write_text(re.sub("epochs = .*", "epochs = 1", file.read_text()))
        assert sparsest("run", file, "--store", sweep, *INLINE).code == 0
        trained = query(
            Path(sweep), "SELECT DISTINCT layers FROM results ORDER BY layers"
        ).to_pylist()
        assert [row["layers"] for row in trained] == layers


def test_ray_workers_of_a_run_from_python_use_plugins(method: Path) -> None:
    small = '# small.toml\nname = "small"\n[base]\nepochs = 1\n[grid]\nmethod = ["even"]\n'
    Path("small.toml").write_text(f"{small}width = [4]\ntarget_nnz = [20, 30]\n")
    code = "import sparsest; sparsest.run('small.toml', 'ray', executor='ray', workers=1)"
    subprocess.run(
        [sys.executable, "-c", code],
        env=environment() | {"PYTHONPATH": f"{ROOT}:{method}"},
        check=True,
        capture_output=True,
    )
    assert sparsest("run", "small.toml", "--store", "here", *INLINE).code == 0
    assert rows(Path("ray")).equals(rows(Path("here")))


def test_worker_with_another_version_refuses_to_train(method: Path) -> None:
    (selection,) = find_targets(["even.toml"])
    task = Task(
        selection.study, IndexSet.of([(0, 1)]), "sweep", packages=(("even-pruning", "1.1"),)
    )
    with pytest.raises(ValueError, match=r"even-pruning.* 1\.1"):
        run_task(task, {}, "cpu")
    task = replace(task, packages=(("uneven-pruning", "1.0"),))
    with pytest.raises(ValueError, match="uneven-pruning"):
        run_task(task, {}, "cpu")


def test_algorithm_that_cannot_be_imported_is_refused_before_training(method: Path) -> None:
    (method / "even_pruning" / "algorithm.py").write_text("import nowhere_at_all\n")
    message = refused("run", "even.toml", "--store", "even", *INLINE)
    assert "method 'even' of the package even-pruning 1.0 cannot be used: ModuleNotFound" in message
    assert not Path("even").exists()


def test_broken_plugin_is_reported_with_its_package(method: Path) -> None:
    (method / "even_pruning" / "__init__.py").write_text("METHOD = 1\n")
    forget_plugins()
    broken = (
        "'even' of the package even-pruning 1.0 cannot be used: the entry point refers to a int"
    )
    assert broken in refused("plan", "even.toml")
    listed = sparsest("plugins")
    assert listed.code == 1
    assert broken in listed.out
    assert broken in refused("plugins", "--check", "even")
    assert json.loads(sparsest("plugins", "--json").out)[0]["problem"].startswith("the entry")
    assert check_plugins(all_plugins()).level == "warning"
    # Commands that do not use it still work.
    assert sparsest("plan", "demo").code == 0


def test_data_set_that_cannot_be_made_is_reported_with_its_package(dataset: Path) -> None:
    (dataset / "two_shells.py").write_text("def two_shells():\n    return [1, 2]\n")
    forget_plugins()
    message = refused("run", "shells.toml", "--store", "shells", *INLINE)
    assert "data set 'two-shells' of the package two-shells 1.0" in message
    assert sparsest("plan", "depths.toml").code == 0


@pytest.mark.parametrize("check", [*METHOD_CHECKS, *DATASET_CHECKS], ids=lambda c: c.__name__)
def test_check_states_its_guarantee(check: Check) -> None:
    assert (getdoc(check) or "").splitlines()[0].endswith(".")


def test_plugins_check_reports_the_guarantee_that_a_plugin_breaks(dataset: Path) -> None:
    result = sparsest("plugins", "--check", "two-shells")
    assert result.code == 0
    lines = result.out.splitlines()
    assert len(lines) == len(DATASET_CHECKS)
    assert all(line.startswith("ok      two-shells: ") for line in lines)
    (dataset / "two_shells.py").write_text(
        (dataset / "two_shells.py").read_text().replace("default_rng(7)", "default_rng()")
    )
    forget_plugins()
    result = sparsest("plugins", "--check", "two-shells")
    assert result.code == 1
    (failed,) = (line for line in result.out.splitlines() if line.startswith("failed"))
    assert f"two-shells: {getdoc(data_set_is_reproducible)}" in failed
    assert "two-shells" in refused("plugins", "--check", "x")
