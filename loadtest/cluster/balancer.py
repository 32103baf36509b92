"""A plain TCP balancer: every connection goes to the next backend in turn, and is spliced through unread.

Invariant: a connection stays with its backend to its end; one that cannot be reached is passed over and counted.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from loadtest.connection import Address

_PIECE_BYTES = 65_536


class Balancer:
    """Counts by backend: connections that were ``opened``, and attempts that were ``passed_over``."""

    def __init__(self, backends: Sequence[Address]) -> None:
        self.backends = tuple(backends)
        self.opened = [0] * len(backends)
        self.passed_over = [0] * len(backends)
        self._next = 0
        self._open: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, beside all others."""
        task = asyncio.create_task(self._splice(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def aclose(self) -> None:
        """Break off the connections that are open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _splice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end; it is broken off where no backend can be reached."""
        backend = await self._connected()
        if backend is None:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, backend[1]))
                both.create_task(_pump(backend[0], writer))
        except* ConnectionError:
            writer.transport.abort()
            backend[1].transport.abort()
        finally:
            for end in (writer, backend[1]):
                end.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.backends:
            place, self._next = self._next, (self._next + 1) % len(self.backends)
            address = self.backends[place]
            try:
                found = await asyncio.open_connection(address.host, address.port)
            except OSError:
                self.passed_over[place] += 1
                continue
            self.opened[place] += 1
            return found
        return None


@asynccontextmanager
async def balancing(backends: Sequence[Address]) -> AsyncGenerator[tuple[Address, Balancer], None]:
    """Balance at a free port of the loopback interface while the block runs."""
    balancer = Balancer(backends)
    server = await asyncio.start_server(balancer.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield Address(host, port), balancer
    finally:
        server.close()
        await balancer.aclose()
        await server.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the one side has no more, and tell the other so. Raises ``ConnectionError``."""
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        with suppress(OSError):
            writer.write_eof()
