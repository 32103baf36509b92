"""One request on a connection of its own, read as it comes in; it may leave at a moment, or read slowly.

Invariant: the connection is closed whatever happens, and a client that leaves sends nothing before it is gone.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, cast

import httptools

from loadtest.connection import Address
from loadtest.run.reading import Reading
from loadtest.run.row import End, end_of

Moment = Literal["sending", "first_byte", "first_reasoning", "first_answer"]
_BUFFER_BYTES = 65_536
# Small buffers in the kernel too, so that a slow reader is felt at the server.
_SLOW_KERNEL_BYTES = 4096
_SLOW_READS_A_SECOND = 10


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client behaves: when it gives up, and whether it leaves before or reads slowly."""

    timeout_seconds: float
    leaves: tuple[Moment, float] | None = None
    bytes_per_second: int | None = None


@dataclass(slots=True)
class Exchanged:
    """What a request came to; moments on ``perf_counter``."""

    sent: float
    ended: float
    end: End
    status: int | None = None
    reading: Reading = field(default_factory=Reading)


async def exchange(address: Address, request: bytes, manner: Manner) -> Exchanged:
    """Put one request and read its reply. Whatever goes wrong is an end by name."""
    loop = asyncio.get_running_loop()
    sent = perf_counter()
    try:
        async with asyncio.timeout(manner.timeout_seconds):
            _, client = await loop.create_connection(lambda: _Client(manner), address.host, address.port)
    except TimeoutError:
        return Exchanged(sent, perf_counter(), End.TIMEOUT)
    except OSError:
        return Exchanged(sent, perf_counter(), End.UNREACHABLE)
    client.send(request)
    try:
        async with asyncio.timeout(manner.timeout_seconds):
            end = await client.end
    except TimeoutError:
        end = End.TIMEOUT
    finally:
        client.close()
    return Exchanged(sent, client.ended or perf_counter(), end, client.status, client.reading)


class _Client(asyncio.BufferedProtocol):
    """The reading side; a slow reader's buffer holds a tenth of what it reads in a second."""

    def __init__(self, manner: Manner) -> None:
        self.reading = Reading()
        self.status: int | None = None
        self.ended: float | None = None
        self.end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._manner = manner
        slow = manner.bytes_per_second
        self._buffer = bytearray(max(1, slow // _SLOW_READS_A_SECOND) if slow else _BUFFER_BYTES)
        self._parser = httptools.HttpResponseParser(self)
        self._events = False
        self._body: list[bytes] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._leaving = manner.leaves
        self._transport: asyncio.Transport

    def send(self, request: bytes) -> None:
        """Send, and begin to count towards leaving."""
        self._transport.write(request)
        self._leave_at("sending", reached=True)

    def close(self) -> None:
        """Be gone at once."""
        for timer in self._timers:
            timer.cancel()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        if self._manner.bytes_per_second:
            taken = self._transport.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_KERNEL_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(End.CUT_OFF)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        now = perf_counter()
        if self.reading.first_byte is None:
            self.reading.first_byte = now
        try:
            self._parser.feed_data(memoryview(self._buffer)[:nbytes])
        except httptools.HttpParserError:
            self._finish(End.MALFORMED)
            return
        self._leave_at("first_byte", reached=True)
        self._leave_at("first_reasoning", reached=self.reading.first_reasoning is not None)
        self._leave_at("first_answer", reached=self.reading.first_answer is not None)
        if self._manner.bytes_per_second and not self.end.done():
            self._transport.pause_reading()
            self._after(nbytes / self._manner.bytes_per_second, self._transport.resume_reading)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reading.header(name, value)
        if name.lower() == b"content-type":
            self._events = value.startswith(b"text/event-stream")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self._events:
            self.reading.stream(body, perf_counter())
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._events and self.status == 200:
            self.reading.whole(b"".join(self._body), perf_counter())
        self._finish(end_of(self.status or 0, self.reading))

    def _leave_at(self, moment: Moment, *, reached: bool) -> None:
        if self._leaving is None or self._leaving[0] != moment or not reached:
            return
        seconds, self._leaving = self._leaving[1], None
        self._after(seconds, self._leave)

    def _leave(self) -> None:
        self._finish(End.LEFT)
        self.close()

    def _after(self, seconds: float, what: Callable[[], object]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, what))

    def _finish(self, end: End) -> None:
        if not self.end.done():
            self.ended = perf_counter()
            self.end.set_result(end)
