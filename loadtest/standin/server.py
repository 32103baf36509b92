"""The stand-in's side of HTTP/1.1, as little work for each request as Python allows.

Invariant: every chat completion is counted once, as served or, if its caller left before the last byte was handed to
the socket, as cut off.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import httptools
import orjson

from loadtest.standin.answers import Answers, counts_response

_CHAT = b"/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds before each piece of a stream, and before each answer in one piece."""

    gap_seconds: float = 0.0
    answer_seconds: float = 0.0


@dataclass(slots=True)
class Counts:
    """What became of the chat completions so far."""

    open: int = 0
    served: int = 0
    cut_off: int = 0


@asynccontextmanager
async def listening(port: int, delays: Delays) -> AsyncIterator[int]:
    """Serve on the loopback interface while the block runs, and give the port (0 asks for a free one)."""
    loop = asyncio.get_running_loop()
    answers, counts = Answers(), Counts()
    server = await loop.create_server(lambda: _Connection(loop, answers, counts, delays), "127.0.0.1", port)
    async with server:
        yield server.sockets[0].getsockname()[1]


class _Connection(asyncio.Protocol):
    """One caller, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answers: Answers, counts: Counts, delays: Delays) -> None:
        self._loop, self._answers, self._counts, self._delays = loop, answers, counts, delays
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._pending: asyncio.Handle | None = None
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
            self._counts.open -= 1
            self._counts.cut_off += 1

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path = url
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._path == _CHAT:
            self._chat()
        elif self._path == b"/v1/models":
            self._transport.write(self._answers.models)
        elif self._path == b"/health":
            self._transport.write(self._answers.health)
        elif self._path == b"/counts":
            counts = self._counts
            told = {"open": counts.open, "served": counts.served, "cut_off": counts.cut_off}
            self._transport.write(counts_response(told))
        else:
            self._transport.write(self._answers.not_found)

    def _chat(self) -> None:
        body = orjson.loads(b"".join(self._body))
        answer = self._answers.to(body)
        self._counts.open += 1
        if body.get("stream"):
            self._write(answer.streamed(body), 0)
        elif self._delays.answer_seconds:
            self._pending = self._loop.call_later(self._delays.answer_seconds, self._write, (answer.whole,), 0)
        else:
            self._write((answer.whole,), 0)

    def _write(self, pieces: Sequence[bytes], number: int) -> None:
        """Write one piece and plan the next, so that each leaves in a packet of its own, as tokens do."""
        self._transport.write(pieces[number])
        if number + 1 == len(pieces):
            self._pending = None
            self._counts.open -= 1
            self._counts.served += 1
        elif self._delays.gap_seconds:
            self._pending = self._loop.call_later(self._delays.gap_seconds, self._write, pieces, number + 1)
        else:
            self._pending = self._loop.call_soon(self._write, pieces, number + 1)
