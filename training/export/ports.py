"""Ports of the loopback interface, kept for a child process that is to listen there.

Invariant: while the block is entered, the system gives the port to nobody who does not name it.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a free port until the block is left.

    It is bound here with SO_REUSEADDR and never listened at: a server that sets the option, as asyncio's, uvloop's and
    vLLM's do, can still take it; a bind to port 0 and an outgoing connection cannot.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((HOST, 0))
        yield int(holder.getsockname()[1])
