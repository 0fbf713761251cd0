"""Whether anything answers at the address of a cluster."""

from __future__ import annotations

import re
import socket

_HOST_AND_PORT = re.compile(r"(?:ray://)?([^:/]+):(\d{1,6})")

CONNECT_TIMEOUT_S = 10.0
"""How long a cluster's head may take to answer a connection."""


def reachable(address: str) -> bool:
    """Whether something takes connections at HOST:PORT; True for an address of another form."""
    match = _HOST_AND_PORT.fullmatch(address)
    if match is None:
        return True
    try:
        with socket.create_connection((match[1], int(match[2])), CONNECT_TIMEOUT_S):
            return True
    except (OSError, OverflowError):
        return False
