"""Raw HTTP/1.1 for load: requests are bytes made beforehand, replies are read with as little work as possible.

Invariant: one connection carries one request at a time, nothing is retried, and a reply's end is the moment at which
its last byte was read, before any waiting task hears of it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import httptools
import orjson

OUTCOME = b"x-preceptor-outcome"
# What is sent where no key is wanted, since some servers refuse a request without any.
NO_KEY = "loadtest"


class ConnectionFailure(Exception):
    """The server could not be reached, or left before its reply was complete."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole reply; ``outcome`` is the gateway's header, empty without one; ``ended`` is on ``perf_counter``."""

    status: int
    outcome: str
    body: bytes
    ended: float


def chat_request(
    address: Address, body: Mapping[str, Any], key: str = NO_KEY, headers: Mapping[str, str] | None = None
) -> bytes:
    """A chat completion request under an API key, with further headers, ready for the socket."""
    content = orjson.dumps(body)
    further = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address.host}:{address.port}\r\n"
        f"content-type: application/json\r\naccept: */*\r\nauthorization: Bearer {key}\r\n"
        f"{further}content-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Connections:
    """Connections to one server, opened as they are needed and used again while the server keeps them."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[Connection] = []

    async def open(self, number: int) -> None:
        """Have this many connections ready. Raises ``ConnectionFailure``."""
        self._idle += [await Connection.to(self._address) for _ in range(number - len(self._idle))]

    async def ask(self, request: bytes) -> RawReply:
        """Send and read one reply. Raises ``ConnectionFailure``."""
        connection = await self._free()
        reply = await connection.ask(request)
        if connection.is_open:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Close all that are idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _free(self) -> "Connection":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return await Connection.to(self._address)


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser
        self._waiter: asyncio.Future[RawReply] | None = None
        self._outcome = ""
        self._length_known = False
        self._body: list[bytes] = []
        self.is_open = False

    @classmethod
    async def to(cls, address: Address) -> "Connection":
        """Connect. Raises ``ConnectionFailure``."""
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(cls, address.host, address.port)
        except OSError as error:
            raise ConnectionFailure(f"no connection: {error.strerror}") from error
        return connection

    async def ask(self, request: bytes) -> RawReply:
        """Send and read one reply. Raises ``ConnectionFailure``."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._outcome, self._length_known = "", False
        self._body.clear()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Close at once, whatever is under way."""
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiter is None or self._waiter.done():
            return
        if self._body and not self._length_known and exc is None:
            self.on_message_complete()  # a body without a length ends with its connection
        else:
            self._waiter.set_exception(ConnectionFailure("the server left before its reply was complete"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_exception(ConnectionFailure(f"not HTTP: {error}"))
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == OUTCOME:
            self._outcome = value.decode("ascii", errors="replace")
        elif name in (b"content-length", b"transfer-encoding"):
            self._length_known = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        ended = perf_counter()
        if not self._parser.should_keep_alive():
            self.close()
        if self._waiter is not None and not self._waiter.done():
            status = self._parser.get_status_code()
            self._waiter.set_result(RawReply(status, self._outcome, b"".join(self._body), ended))
