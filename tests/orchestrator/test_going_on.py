"""The command line with which a run goes on."""

from __future__ import annotations

import pytest

from orchestrator.commands.going_on import with_rest, without_limit


@pytest.mark.parametrize("limit", ["--limit 100", "--limit=100"])
def test_limit_is_for_the_same_number_once_more(limit: str) -> None:
    command = f"sparsest run 'my sweep.toml' {limit} --store s"
    assert without_limit(command) == "sparsest run 'my sweep.toml' --store s"
    assert with_rest(command, 100, 40) == "sparsest run 'my sweep.toml' --store s --limit 60"
    assert with_rest(command, 100, 100) == "sparsest run 'my sweep.toml' --store s"


def test_command_without_a_limit_gets_one() -> None:
    command = "sparsest run phase1 --store s"
    assert (without_limit(command), with_rest(command, None, 7)) == (command, command)
