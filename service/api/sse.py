"""Server-sent events: their bytes, and a response that sends them with heartbeats until the client leaves.

Invariant: the source runs in one task from its first step to its close, which comes at once when the client leaves, and
an error after the headers is one error event followed by [DONE].
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from models.engine import EngineError
from models.sse import MAX_EVENT_BYTES
from models.wire import malformed
from service.api.disconnect import disconnected, stopped
from service.errors import api_error, error_response

PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
_GAPS = (b"\n\n", b"\r\n\r\n")
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def data(value: Any) -> bytes:
    """One unnamed event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def event(name: str, value: Any) -> bytes:
    """One named event."""
    return b"event: " + name.encode() + b"\n" + data(value)


def failed(error: BaseException) -> bytes:
    """The end of a stream that failed after its headers."""
    return b"data: " + api_error(error).body() + b"\n\n" + DONE


async def whole_events(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same bytes, cut after events only, so that an error can follow wherever the source breaks off."""
    held = b""
    async with aclosing(pieces):
        async for piece in pieces:
            held += piece
            end = max((held.rfind(gap) + len(gap) for gap in _GAPS if gap in held), default=0)
            if end:
                yield held[:end]
                held = held[end:]
            elif len(held) > MAX_EVENT_BYTES:
                raise malformed("event without end")
    if held:
        yield held


class Relay(Response):
    """Sends what ``source`` yields, as it yields it, under headers that are sent at once."""

    media_type = "text/event-stream"

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        *,
        headers: Mapping[str, str] | None = None,
        on_leave: Callable[[], None] | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**HEADERS, **(headers or {})})
        self._source = source
        self._on_leave = on_leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(scope, receive, send))
        leaving = asyncio.create_task(disconnected(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done() and self._on_leave is not None:
                self._on_leave()
        finally:
            await stopped(writing, leaving)
        if not writing.cancelled():
            writing.result()

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        last = b""
        try:
            async with aclosing(self._source) as source:
                async for piece in source:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except EngineError as error:
            last = failed(error)
        await send({"type": "http.response.body", "body": last, "more_body": False})


class EventStream(Relay):
    """A relay that keeps its client's connection alive, and does not keep its source waiting for a slow client.

    The stream opens with the first thing yielded (an empty one will do) or after ``open_after_s``, whichever comes
    first; an error before that is an ordinary error response. ``opening`` is sent first.
    """

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        *,
        opening: bytes = b"",
        open_after_s: float,
        heartbeat_s: float,
        on_leave: Callable[[], None],
    ) -> None:
        super().__init__(source, on_leave=on_leave)
        self._opening = opening
        self._open_after_s = open_after_s
        self._heartbeat_s = heartbeat_s

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        feed = _Feed(self._source)
        try:
            await self._feed(feed, scope, receive, send)
        finally:
            await stopped(feed.task)

    async def _feed(self, feed: "_Feed", scope: Scope, receive: Receive, send: Send) -> None:
        async def body(content: bytes, *, more: bool = True) -> None:
            if content or not more:
                await send({"type": "http.response.body", "body": content, "more_body": more})

        first = await feed.take(self._open_after_s)
        if feed.ended and first is None and feed.failure is not None:
            await error_response(api_error(feed.failure))(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await body(self._opening + (first or b""))
        while not feed.ended:
            await body(await self._next(feed))
        await body(b"" if feed.failure is None else failed(feed.failure), more=False)

    async def _next(self, feed: "_Feed") -> bytes:
        """What is to be written next; empty pieces, which the client does not see, do not put off a heartbeat."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._heartbeat_s
        while not feed.ended:
            piece = await feed.take(due - loop.time())
            if piece is None and not feed.ended:
                return PING
            if piece:
                return piece
        return b""


class _Feed:
    """A source run to its end by one task; what it yielded waits here.

    Unbounded on purpose: a slow reader must not hold the engine, and no answer is longer than its token limit.
    """

    def __init__(self, source: AsyncGenerator[bytes, None]) -> None:
        self.ended = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.task = asyncio.create_task(self._run(source))
        self.task.add_done_callback(lambda _: self._queue.put_nowait(None))

    async def _run(self, source: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(source):
            async for piece in source:
                self._queue.put_nowait(piece)

    @property
    def failure(self) -> BaseException | None:
        """What the source raised."""
        return self.task.exception() if self.task.done() and not self.task.cancelled() else None

    async def take(self, timeout_s: float) -> bytes | None:
        """All that is there, after waiting for at least one thing; None when nothing came in time, or only the end."""
        try:
            async with asyncio.timeout(timeout_s):
                pieces = [await self._queue.get()]
        except TimeoutError:
            return None
        while not self._queue.empty():
            pieces.append(self._queue.get_nowait())
        self.ended = pieces[-1] is None
        told = [piece for piece in pieces if piece is not None]
        return b"".join(told) if told else None
