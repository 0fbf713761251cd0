"""Hosts with a network of their own on this machine, whose cables can be pulled. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import Self


def possible() -> str | None:
    """Why there can be no such hosts here; None where there can."""
    if shutil.which("ip") is None:
        return "there is no `ip` (apt install iproute2)"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"sp{os.getpid()}t"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if tried.returncode != 0:
        return f"ip netns add: {tried.stderr.strip()}"
    _ip("netns", "del", name)
    return None


@dataclass(frozen=True)
class Host:
    """A host: a network namespace, and a cable from it to the bridge.

    Attributes:
        name: of the namespace; its end of the cable has the same.
        address: where it is reached.
    """

    name: str
    address: str

    @property
    def inside(self) -> list[str]:
        """Words that, put before a command, run it there."""
        return ["ip", "netns", "exec", self.name]

    @property
    def cable(self) -> str:
        """The bridge's end of its cable."""
        return f"{self.name}c"

    def pull(self) -> None:
        """Pulls the cable: nothing gets through, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        """Puts it back."""
        _ip("link", "set", self.cable, "up")


class Network:
    """A bridge, which this machine is on as well, and hosts around it.

    Args:
        count: number of hosts.
    """

    def __init__(self, count: int) -> None:
        prefix = f"sp{os.getpid()}"
        # One of the ranges that are never routed, and few use.
        self._net = f"10.{64 + os.getpid() % 64}.{os.getpid() % 251}"
        self._bridge = f"{prefix}b"
        self.address = f"{self._net}.1"
        self.hosts = [Host(f"{prefix}h{n}", f"{self._net}.{n + 2}") for n in range(count)]

    def __enter__(self) -> Self:
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for host in self.hosts:
                _ip("netns", "add", host.name)
                _ip("link", "add", host.cable, "type", "veth", "peer", "name", host.name)
                _ip("link", "set", host.name, "netns", host.name)
                _ip("link", "set", host.cable, "master", self._bridge, "up")
                _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", host.name)
                _ip("-n", host.name, "link", "set", host.name, "up")
                _ip("-n", host.name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Takes everything away, as far as it was made."""
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True)
            subprocess.run(["ip", "link", "del", host.cable], capture_output=True)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
