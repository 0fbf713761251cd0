"""cluster.yaml is held against Ray's own schema and against the rest of the project."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def cluster() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return config


def pinned(package: str) -> str:
    """Version of `package` in constraints.txt."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version
    raise LookupError(f"constraints.txt does not pin {package}")


def test_ray_would_not_refuse_the_file(cluster: dict[str, Any]) -> None:
    prepared = prepare_config(cluster)
    validate_config(prepared)
    # What Ray made of the file, not only that it took it.
    assert set(prepared["available_node_types"]) == {"head", "cpu-worker", "gpu-worker"}


def test_a_misspelt_key_would_be_noticed(cluster: dict[str, Any]) -> None:
    cluster["available_node_types"]["head"]["resource"] = {}
    with pytest.raises(Exception, match="'resource' was unexpected"):
        validate_config(prepare_config(cluster))


def test_no_worker_costs_money_before_there_is_work(cluster: dict[str, Any]) -> None:
    workers = {k: v for k, v in cluster["available_node_types"].items() if k != "head"}
    assert {name: node["min_workers"] for name, node in workers.items()} == {
        "cpu-worker": 0,
        "gpu-worker": 0,
    }


def test_the_head_does_not_train(cluster: dict[str, Any]) -> None:
    assert cluster["available_node_types"]["head"]["resources"] == {"CPU": 0}


def test_images_have_the_pinned_ray(cluster: dict[str, Any]) -> None:
    image = f"rayproject/ray:{pinned('ray')}-py311"
    assert cluster["docker"]["image"] == image
    gpu_worker = cluster["available_node_types"]["gpu-worker"]
    assert gpu_worker["docker"]["worker_image"] == f"{image}-gpu"


def test_no_part_of_the_project_is_left_behind(cluster: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    setuptools = project["tool"]["setuptools"]
    needed = {name.removesuffix(".*") for name in setuptools["packages"]["find"]["include"]}
    needed |= {f"{module}.py" for module in setuptools["py-modules"]}
    needed |= {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    needed |= set(project["project"]["license-files"])

    mounts = {
        remote.removeprefix("~/sparsest/"): local
        for remote, local in cluster["file_mounts"].items()
        if remote.startswith("~/sparsest/")
    }
    assert mounts == {name: name for name in needed}
    assert [name for name in needed if not (ROOT / name).exists()] == []
