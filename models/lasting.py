"""Connections to an engine that notice when its host is gone, also while nothing is sent either way.

Invariant: a peer whose kernel stays silent for ``silence_seconds`` ends the connection with an error; one that is
merely busy does not, since its kernel answers for it.
"""

import socket
from typing import Any

import aiohttp

# Shorter than the 5 s after which uvicorn, and so vLLM, closes an idle connection under us.
_IDLE_SECONDS = 4.0

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


def lasting_connector(silence_seconds: float) -> aiohttp.TCPConnector:
    """As many connections as are asked for, kept while the engine keeps them.

    An answer in one piece is waited for in silence, in which TCP by itself would never notice that the network has been
    cut. Probes begin after half of the time. Options that this system does not know are left out.
    """
    options = {
        "TCP_KEEPIDLE": max(1, int(silence_seconds / 2)),
        "TCP_KEEPINTVL": max(1, int(silence_seconds / 6)),
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": max(1, int(silence_seconds * 1000)),
    }

    def made(row: AddressInfo) -> socket.socket:
        family, kind, protocol, _, _ = row
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if hasattr(socket, name):
                made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return made

    return aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, socket_factory=made)
