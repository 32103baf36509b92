"""One client's request and all that it got, byte by byte; it may leave at a moment that somebody else names.

Invariant: every request comes to an end by name within its budget, and what is told of a stream is counted in it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any, cast

import httptools
import orjson

from loadtest.connection import Address, chat_request


class End(StrEnum):
    """What a client got."""

    ANSWER = "answer"
    """A whole answer with its end."""
    ERROR = "error"
    """A status from 400 on, with an OpenAI error object."""
    STREAM_ERROR = "stream_error"
    """A stream that ends with one error event and one ``[DONE]``."""
    CUT = "cut"
    """The connection was lost before the reply was whole."""
    WRONG = "wrong"
    """A reply that breaks the contract: no error object, two error events, an end that is none."""
    REFUSED = "refused"
    """No connection."""
    HUNG = "hung"
    """Nothing more came within the budget."""
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Got:
    """One request's end; ``seconds`` from its sending, ``tokens`` pieces of an answer in a stream or its words."""

    end: End
    seconds: float
    ended: float
    status: int | None = None
    outcome: str = ""
    reason: str = ""
    code: str = ""
    answer: str = ""
    pings: int = 0

    @property
    def tokens(self) -> int:
        """Words of the answer that came."""
        return len(self.answer.split())


async def ask(address: Address, body: Mapping[str, Any], budget_seconds: float, leave: "Leave | None" = None) -> Got:
    """Put one request on a connection of its own, and read it to its end."""
    loop, sent = asyncio.get_running_loop(), perf_counter()
    try:
        async with asyncio.timeout(budget_seconds):
            _, client = await loop.create_connection(_Reader, address.host, address.port)
    except (OSError, TimeoutError) as error:
        end = End.HUNG if isinstance(error, TimeoutError) else End.REFUSED
        return Got(end, perf_counter() - sent, perf_counter())
    client.send(chat_request(address, body))
    if leave is not None:
        leave.of(client)
    try:
        async with asyncio.timeout(budget_seconds):
            await client.over
    except TimeoutError:
        return client.got(sent, End.HUNG)
    finally:
        client.close()
    return client.got(sent)


@dataclass(slots=True)
class Leave:
    """The way out of one request: ``now`` closes its connection; ``began`` is set at the answer's first piece."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    _client: "_Reader | None" = None

    def of(self, client: "_Reader") -> None:
        """Be the way out of this client's request."""
        self._client, client.began = client, self.began

    def now(self) -> float:
        """Leave, and say when (on ``perf_counter``)."""
        assert self._client is not None
        self._client.leave()
        return perf_counter()


class _Reader(asyncio.Protocol):
    """Reads a reply; a stream's events are kept as they came."""

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began: asyncio.Event | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = b""
        self._status: int | None = None
        self._whole = self._left = self._broken = False
        self._ended: float | None = None
        self._transport: asyncio.Transport

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def leave(self) -> None:
        self._left = True
        self._finish()
        self.close()

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._broken = True
            self._finish()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._body += body
        if self.began is not None and b'"content":"' in body.replace(b'"content":""', b""):
            self.began.set()

    def on_message_complete(self) -> None:
        self._whole = True
        self._finish()

    def _finish(self) -> None:
        if not self.over.done():
            self._ended = perf_counter()
            self.over.set_result(None)

    def got(self, sent: float, end: End | None = None) -> Got:
        """What has come."""
        ended = self._ended or perf_counter()
        found = end or self._end()
        read = _read_events(self._body) if self._is_stream else _read_whole(self._body)
        if found is None:
            found = read.end if self._status == 200 or self._is_stream else _error_end(read)
        outcome = read.outcome or self._headers.get("x-preceptor-outcome", "")
        reason = read.reason or self._headers.get("x-preceptor-reason", "")
        return Got(found, ended - sent, ended, self._status, outcome, reason, read.code, read.answer, read.pings)

    @property
    def _is_stream(self) -> bool:
        return self._headers.get("content-type", "").startswith("text/event-stream")

    def _end(self) -> End | None:
        if self._left:
            return End.LEFT
        if self._broken:
            return End.WRONG
        return None if self._whole else End.CUT


@dataclass(slots=True)
class _Read:
    end: End = End.WRONG
    answer: str = ""
    outcome: str = ""
    reason: str = ""
    code: str = ""
    pings: int = 0
    is_error: bool = False


def _error_end(read: _Read) -> End:
    return End.ERROR if read.is_error else End.WRONG


def _read_whole(body: bytes) -> _Read:
    read = _Read()
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return read
    if isinstance(content, dict) and isinstance(content.get("error"), dict):
        _note_error(read, content["error"])
    elif isinstance(content, dict) and content.get("choices"):
        read.answer = str(content["choices"][0]["message"].get("content") or "")
        read.end = End.ANSWER
    return read


def _read_events(body: bytes) -> _Read:
    """A stream is whole with a finish reason and one last ``[DONE]``, or with one error before it and none after."""
    read, errors, dones, finished, last = _Read(), 0, 0, False, b""
    for event in body.split(b"\n\n"):
        read.pings += event.startswith(b": ping")
        if not event.startswith(b"data: "):
            continue
        last = event[6:]
        if last == b"[DONE]":
            dones += 1
            continue
        try:
            content = orjson.loads(last)
        except orjson.JSONDecodeError:
            return read
        if content.get("error"):
            errors += 1
            _note_error(read, content["error"])
            continue
        finished = _note_piece(read, content) or finished
    if dones == 1 and last == b"[DONE]" and errors <= 1:
        read.end = End.STREAM_ERROR if errors else (End.ANSWER if finished else End.WRONG)
    return read


def _note_piece(read: _Read, content: Mapping[str, Any]) -> bool:
    extension = content.get("preceptor")
    if isinstance(extension, Mapping):
        read.outcome = str(extension.get("outcome") or read.outcome)
        read.reason = str(extension.get("reason") or read.reason)
    finished = False
    for choice in content.get("choices") or ():
        read.answer += str((choice.get("delta") or {}).get("content") or "")
        finished = finished or choice.get("finish_reason") is not None
    return finished


def _note_error(read: _Read, error: Mapping[str, Any]) -> None:
    read.is_error = True
    read.code = str(error.get("code") or error.get("type") or "")
