"""Network namespaces on this machine that act as hosts and can be disconnected. Needs root.

Several programs can have such a network at the same time. Each has a number, from which all names
and addresses follow. A number is taken by locking a file, so that the kernel frees it however the
program ends. What belongs to a free number was left by a killed program.
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
"""Folder with a file for each number that was ever taken."""

NUMBERS = range(256)

ANSWER_S = 20
"""Seconds in which a host must reach this machine."""


def possible() -> str | None:
    """Return why such hosts are impossible here; None if making and using one succeeds."""
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
    """A host: a network namespace with a cable to the bridge.

    Attributes:
        name: name of the namespace and of its end of the cable.
        address: address of the host.
    """

    name: str
    address: str

    @property
    def inside(self) -> list[str]:
        """Prefix of a command that runs it on this host."""
        return ["ip", "netns", "exec", self.name]

    @property
    def cable(self) -> str:
        """Name of the bridge's end of the cable."""
        return f"{self.name}c"

    def pull(self) -> None:
        """Pull the cable: packets are dropped silently."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        """Put the cable back."""
        _ip("link", "set", self.cable, "up")

    def reach(self, address: str) -> None:
        """Connect from this host to a port at that address, which this program opens.

        Raises:
            OSError: no connection; there is a firewall in between.
        """
        with socket.create_server((address, 0)) as server:
            port = server.getsockname()[1]
            connect = f"socket.create_connection(({address!r}, {port}), {ANSWER_S})"
            words = [sys.executable, "-S", "-c", f"import socket; {connect}"]
            tried = subprocess.run([*self.inside, *words], capture_output=True, text=True)
        if tried.returncode != 0:
            reason = tried.stderr.strip().splitlines()[-1:]
            raise OSError(f"a host on a bridge does not reach this machine: {' '.join(reason)}")


class Network:
    """A bridge with this machine and several hosts.

    Args:
        count: number of hosts.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = -1
        self._number = -1

    @property
    def address(self) -> str:
        """This machine's address on the bridge."""
        return str(_net(self._number)[1])

    @property
    def hosts(self) -> list[Host]:
        """The hosts."""
        net = _net(self._number)
        prefix = _prefix(self._number)
        return [Host(f"{prefix}h{n}", str(net[n + 2])) for n in range(self._count)]

    @property
    def _bridge(self) -> str:
        return f"{_prefix(self._number)}b"

    def __enter__(self) -> Self:
        """Create the network.

        Raises:
            subprocess.CalledProcessError: `ip` fails.
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
        """Remove everything that was created."""
        try:
            _clear(_prefix(self._number))
        finally:
            os.close(self._lock)

    def _take_number(self) -> None:
        """Take the first free number whose addresses are unused."""
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
    """Remove the networks of programs that were killed."""
    for file in LOCKS.glob("*"):
        lock = _lock(int(file.name))
        if lock is not None:
            _clear(_prefix(int(file.name)))
            os.close(lock)


def _lock(number: int) -> int | None:
    """Lock a number; return None if another program has it."""
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
    """Return the addresses of a network, in the range reserved for benchmarks (RFC 2544)."""
    return IPv4Network(f"198.18.{number}.0/24")


def _used() -> list[IPv4Network]:
    """Return the networks that this machine has routes to, except the default route."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    networks = [ip_network(route["dst"]) for route in routes if route["dst"] != "default"]
    return [net for net in networks if isinstance(net, IPv4Network) and net.prefixlen > 0]


def _clear(prefix: str) -> None:
    """Remove all namespaces and links whose names start with a prefix."""
    for line in _ip("netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(prefix):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
    for link in json.loads(_ip("-json", "link", "show")):
        if link["ifname"].startswith(prefix):
            # The kernel may have removed the cable together with its namespace.
            subprocess.run(["ip", "link", "del", link["ifname"]], capture_output=True)


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
