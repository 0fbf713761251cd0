"""A node that is cut off from the network; a separate file, since it takes long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import report_of
from tests.faults.network import Network, clear_abandoned, possible
from tests.orchestrator.running import environment


@pytest.fixture(autouse=True)
def _hosts() -> Iterator[None]:
    if (why := possible()) is not None:
        pytest.skip(f"no network namespaces on this machine: {why}")
    yield
    clear_abandoned()  # the campaign may have been killed


def test_two_programs_make_separate_networks() -> None:
    with Network(2) as one, Network(1) as other:
        for network in (one, other):
            for host in network.hosts:
                host.reach(network.address)


def test_network_of_a_killed_program_is_removed() -> None:
    # No other program on this machine has a network with an eighth host.
    make = "from tests.faults.network import Network; made = Network(8).__enter__()"
    program = f"import os; {make}; print(made.hosts[7].name, flush=True); os._exit(0)"
    words = [sys.executable, "-c", program]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    clear_abandoned()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() not in left.stdout


def test_rows_of_a_node_that_comes_back_are_stored_once(tmp_path: Path) -> None:
    words = ("--experiments", "1200", "--cut", "5", "--hosts", "1")
    report = report_of("cut_network", tmp_path / "cut", *words, minutes=15)
    assert report["agreement"]["rows"] == 1200


@pytest.mark.campaign
def test_sweep_survives_a_node_cut_off_for_two_minutes(tmp_path: Path) -> None:
    report = report_of("cut_network", tmp_path / "cut", minutes=30)
    assert report["rows_during_the_cut"] > 0
