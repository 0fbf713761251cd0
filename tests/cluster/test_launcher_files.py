"""The launcher files agree with Ray's schema and with the rest of the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return config


@pytest.fixture
def local() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster" / "local.yaml").read_text())
    return config


def pinned(package: str) -> str:
    """Version of `package` in constraints.txt."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version
    raise LookupError(f"constraints.txt does not pin {package}")


def test_file_follows_ray_s_schema(cluster: dict[str, Any]) -> None:
    prepared = prepare_config(cluster)
    validate_config(prepared)
    # Ray's interpretation of the file, not only its acceptance.
    assert set(prepared["available_node_types"]) == {"head", "cpu-worker", "gpu-worker"}


def test_misspelt_key_is_refused(cluster: dict[str, Any]) -> None:
    cluster["available_node_types"]["head"]["resource"] = {}
    with pytest.raises(Exception, match="'resource' was unexpected"):
        validate_config(prepare_config(cluster))


def test_workers_are_started_only_when_there_is_work(cluster: dict[str, Any]) -> None:
    workers = {k: v for k, v in cluster["available_node_types"].items() if k != "head"}
    assert {name: node["min_workers"] for name, node in workers.items()} == {
        "cpu-worker": 0,
        "gpu-worker": 0,
    }


def test_head_offers_no_cpus_for_training(cluster: dict[str, Any]) -> None:
    assert cluster["available_node_types"]["head"]["resources"] == {"CPU": 0}


def test_images_have_the_pinned_ray(cluster: dict[str, Any]) -> None:
    image = f"rayproject/ray:{pinned('ray')}-py311"
    assert cluster["docker"]["image"] == image
    gpu_worker = cluster["available_node_types"]["gpu-worker"]
    assert gpu_worker["docker"]["worker_image"] == f"{image}-gpu"


def test_file_for_your_machines_follows_ray_s_schema(local: dict[str, Any]) -> None:
    machines = len(local["provider"]["worker_ips"])
    prepared = prepare_config(local)
    validate_config(prepared)
    assert local["min_workers"] == local["max_workers"] == machines
    assert prepared["max_workers"] == machines


def test_all_ports_are_fixed(local: dict[str, Any]) -> None:
    def ports(commands: list[str]) -> dict[str, int]:
        (start,) = [command for command in commands if " start " in command]
        return {name: int(port) for name, port in re.findall(r"--([\w-]*port)=(\d+)", start)}

    workers = ports(local["worker_start_ray_commands"])
    assert ports(local["head_start_ray_commands"]) == workers | {"port": 6379}
    assert set(workers) == {
        "object-manager-port",
        "node-manager-port",
        "runtime-env-agent-port",
        "dashboard-agent-grpc-port",
        "dashboard-agent-listen-port",
        "metrics-export-port",
        "min-worker-port",
        "max-worker-port",
    }


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster/local.yaml"])
def test_ray_asks_for_a_token(name: str) -> None:
    config = yaml.safe_load((ROOT / name).read_text())
    starts = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    starts = [command for command in starts if " start " in command]
    asks = "--env RAY_AUTH_MODE=token" in config.get("docker", {}).get("run_options", [])
    assert asks or all(command.startswith("RAY_AUTH_MODE=token ") for command in starts)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    (head,) = [command for command in starts if "--head" in command]
    assert "--dashboard-host=127.0.0.1" in head
    assert "--ray-client-server-port" not in head


def test_ray_s_ports_are_closed_to_the_outside(cluster: dict[str, Any]) -> None:
    # By default Ray makes a group that lets in SSH from everywhere, and the group's members.
    assert cluster["provider"]["security_group"] == {"GroupName": "sparsest"}


def test_head_with_the_store_is_an_on_demand_instance(cluster: dict[str, Any]) -> None:
    types = cluster["available_node_types"]
    spot = {name for name, node in types.items() if "InstanceMarketOptions" in node["node_config"]}
    assert spot == {"cpu-worker", "gpu-worker"}


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster/local.yaml"])
def test_every_package_is_copied(name: str) -> None:
    cluster = yaml.safe_load((ROOT / name).read_text())
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
