"""cluster/kuberay.yaml and its image, checked without a Kubernetes cluster."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

# Fields of the API reference of ray.io/v1, https://ray-project.github.io/kuberay/reference/api/
SPEC = {
    "suspend",
    "managedBy",
    "authOptions",
    "autoscalerOptions",
    "headServiceAnnotations",
    "enableInTreeAutoscaling",
    "gcsFaultToleranceOptions",
    "upgradeStrategy",
    "headGroupSpec",
    "rayVersion",
    "workerGroupSpecs",
}
HEAD = {
    "template",
    "headService",
    "enableIngress",
    "resources",
    "labels",
    "rayStartParams",
    "serviceType",
}
WORKER = {
    "suspend",
    "groupName",
    "replicas",
    "minReplicas",
    "maxReplicas",
    "idleTimeoutSeconds",
    "resources",
    "labels",
    "rayStartParams",
    "template",
    "scaleStrategy",
    "numOfHosts",
}


@pytest.fixture
def objects() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((ROOT / "cluster" / "kuberay.yaml").read_text())
    return {document["kind"]: document for document in documents}


def pinned_ray() -> str:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    (version,) = [line.removeprefix("ray==") for line in lines if line.startswith("ray==")]
    return version


def test_fields_are_those_of_the_operator(objects: dict[str, dict[str, Any]]) -> None:
    cluster = objects["RayCluster"]
    assert cluster["apiVersion"] == "ray.io/v1"
    spec = cluster["spec"]
    assert set(spec) <= SPEC
    assert set(spec["headGroupSpec"]) <= HEAD
    for group in spec["workerGroupSpecs"]:
        assert set(group) <= WORKER
        assert group["minReplicas"] == 0
    # Go's decoder accepts only text here.
    params = spec["headGroupSpec"]["rayStartParams"]
    assert all(isinstance(value, str) for value in params.values())
    assert params["num-cpus"] == "0"
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_store_is_on_a_volume_that_outlives_its_pod(objects: dict[str, dict[str, Any]]) -> None:
    pod = objects["RayCluster"]["spec"]["headGroupSpec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    claim = objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert mount["name"] == volume["name"]
    comments = (ROOT / "cluster" / "kuberay.yaml").read_text()
    assert f"--store {mount['mountPath']}/" in comments


def test_pods_have_the_pinned_ray(objects: dict[str, dict[str, Any]]) -> None:
    image = (ROOT / "cluster" / "kuberay.Dockerfile").read_text()
    assert objects["RayCluster"]["spec"]["rayVersion"] == pinned_ray()
    assert f"FROM rayproject/ray:{pinned_ray()}-py311\n" in image


def test_image_has_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    setuptools = project["tool"]["setuptools"]
    packages = {name.removesuffix(".*") for name in setuptools["packages"]["find"]["include"]}
    files = {f"{module}.py" for module in setuptools["py-modules"]}
    files |= {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    files |= set(project["project"]["license-files"])
    image = (ROOT / "cluster" / "kuberay.Dockerfile").read_text()
    copied = [line.split()[2:-1] for line in image.splitlines() if line.startswith("COPY ")]
    assert {name for names in copied for name in names} == packages | files
