"""Hosts with a network of their own on this machine, whose cables can be pulled. Needs root.

Several programs may have such a network at the same time. Each has a number, and all names and
addresses come from it. A number is taken by locking a file, so the kernel frees it however its
program ends, and what a killed one has left behind is known: its number is free.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from types import TracebackType
from typing import Self

LOCKS = Path("/run/lock/sparsest-networks")
"""A file for each number that was ever taken."""

NUMBERS = range(256)

ANSWER_S = 20
"""How long a host may take to reach this machine."""


def possible() -> str | None:
    """Why there can be no such hosts here; None where there can: one is made and tried."""
    if shutil.which("ip") is None:
        return "there is no `ip` (apt install iproute2)"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    try:
        with Network(1) as network:
            network.hosts[0].reach(network.address)
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd[:4])}: {error.stderr.strip()}"
    except OSError as error:
        return str(error)
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

    def reach(self, address: str) -> None:
        """Connects from here to a port of that machine, which this program opens.

        Raises:
            OSError: it does not answer: a firewall is between them.
        """
        with socket.create_server((address, 0)) as server:
            port = server.getsockname()[1]
            connect = f"socket.create_connection(({address!r}, {port}), {ANSWER_S})"
            words = [sys.executable, "-S", "-c", f"import socket; {connect}"]
            tried = subprocess.run([*self.inside, *words], capture_output=True, text=True)
        if tried.returncode != 0:
            said = tried.stderr.strip().splitlines()[-1:]
            raise OSError(f"a host on a bridge does not reach this machine: {' '.join(said)}")


class Network:
    """A bridge, which this machine is on as well, and hosts around it.

    Args:
        count: number of hosts.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = -1
        self._number = -1

    @property
    def address(self) -> str:
        """This machine's, as the hosts see it."""
        return str(_net(self._number)[1])

    @property
    def hosts(self) -> list[Host]:
        """All of them."""
        net = _net(self._number)
        prefix = _prefix(self._number)
        return [Host(f"{prefix}h{n}", str(net[n + 2])) for n in range(self._count)]

    @property
    def _bridge(self) -> str:
        return f"{_prefix(self._number)}b"

    def __enter__(self) -> Self:
        """Makes it.

        Raises:
            subprocess.CalledProcessError: `ip` cannot do it here.
            OSError: no number is free.
        """
        self._take_number()
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
        try:
            _clear(_prefix(self._number))
        finally:
            os.close(self._lock)

    def _take_number(self) -> None:
        """Takes the first number that nobody has and whose addresses nobody uses."""
        LOCKS.mkdir(parents=True, exist_ok=True)
        clear_abandoned()
        used = _used()
        for number in NUMBERS:
            if any(_net(number).overlaps(net) for net in used):
                continue
            lock = _lock(number)
            if lock is not None:
                self._lock, self._number = lock, number
                return
        raise OSError(f"none of {len(NUMBERS)} networks is free")


def clear_abandoned() -> None:
    """Removes the networks of programs that were killed."""
    for file in LOCKS.glob("*"):
        lock = _lock(int(file.name))
        if lock is not None:
            _clear(_prefix(int(file.name)))
            os.close(lock)


def _lock(number: int) -> int | None:
    """Locks a number; None where another program has it."""
    lock = os.open(LOCKS / str(number), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _prefix(number: int) -> str:
    return f"sparse-{number}-"


def _net(number: int) -> IPv4Network:
    """Addresses of a network: of a range that is kept free for trials (RFC 2544)."""
    return IPv4Network(f"198.18.{number}.0/24")


def _used() -> list[IPv4Network]:
    """Networks that this machine is on or knows a way to, the rest of the world left out."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    found = [ip_network(route["dst"]) for route in routes if route["dst"] != "default"]
    return [net for net in found if isinstance(net, IPv4Network) and net.prefixlen > 0]


def _clear(prefix: str) -> None:
    """Removes all namespaces and links whose names begin so."""
    for line in _ip("netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(prefix):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
    for link in json.loads(_ip("-json", "link", "show")):
        if link["ifname"].startswith(prefix):
            # Its end in a namespace that has just gone takes a cable along, sooner or later.
            subprocess.run(["ip", "link", "del", link["ifname"]], capture_output=True)


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
