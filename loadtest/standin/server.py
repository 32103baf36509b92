"""The stand-in's side of HTTP/1.1, as little work for each request as Python allows.

Invariant: every chat completion is counted once, as served or, if its caller left before the last byte was handed to
the socket, as cut off.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

import httptools
import orjson

from loadtest.standin.answers import MODEL, Answer, Answers, json_response, text_response, too_long_response
from loadtest.standin.calls import call
from loadtest.standin.engine import Engine
from loadtest.standin.metrics import metrics_text
from loadtest.standin.scheduler import Scheduler
from loadtest.standin.scheduler import Sequence as Call

_CHAT = b"/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds before each piece of a stream, and before each answer in one piece."""

    gap_seconds: float = 0.0
    answer_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Paced:
    """A stand-in whose tokens come as a scheduler has them come; drafts have about so many.

    With ``ledger`` it keeps of every call that it has served whose request it was, for ``/ledger``.
    """

    scheduler: Scheduler
    draft_tokens: int
    seed: int = 0
    ledger: bool = False


@dataclass(slots=True)
class Counts:
    """What became of the chat completions so far."""

    open: int = 0
    served: int = 0
    cut_off: int = 0


class Entry(NamedTuple):
    """One call that was served: the ``x-request-id`` that it came with, and its prompt's tokens."""

    request_id: str
    prompt_tokens: int
    cached_tokens: int


@asynccontextmanager
async def listening(port: int, pace: Delays | Paced) -> AsyncIterator[int]:
    """Serve on the loopback interface while the block runs, and give the port (0 asks for a free one)."""
    loop = asyncio.get_running_loop()
    counts = Counts()
    if isinstance(pace, Paced):
        paced = (Answers(pace.draft_tokens, pace.seed), Engine(loop, pace.scheduler))
        entries: list[Entry] = []

        def connection() -> _PacedConnection:
            if pace.ledger:
                return _RecordedConnection(loop, counts, *paced, entries)
            return _PacedConnection(loop, counts, *paced)

        server = await loop.create_server(connection, "127.0.0.1", port)
    else:
        answers, delays = Answers(), pace
        server = await loop.create_server(lambda: _DelayedConnection(loop, counts, answers, delays), "127.0.0.1", port)
    async with server:
        yield server.sockets[0].getsockname()[1]


class _Connection(asyncio.Protocol, ABC):
    """One caller, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, counts: Counts, answers: Answers) -> None:
        self._loop, self._counts, self._answers = loop, counts, answers
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._transport: asyncio.WriteTransport

    @abstractmethod
    def _reply(self, body: Mapping[str, Any]) -> None:
        """Begin to answer a chat completion."""

    @abstractmethod
    def _give_up(self) -> bool:
        """Stop what is under way, and say whether anything was."""

    def _metrics(self) -> bytes:
        return self._answers.not_found

    def _ledger(self) -> bytes:
        return self._answers.not_found

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        if self._give_up():
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
            self._counts.open += 1
            self._reply(orjson.loads(b"".join(self._body)))
        elif self._path == b"/v1/models":
            self._transport.write(self._answers.models)
        elif self._path == b"/health":
            self._transport.write(self._answers.health)
        elif self._path == b"/metrics":
            self._transport.write(self._metrics())
        elif self._path == b"/ledger":
            self._transport.write(self._ledger())
        elif self._path == b"/counts":
            counts = self._counts
            told = {"open": counts.open, "served": counts.served, "cut_off": counts.cut_off}
            self._transport.write(json_response(told))
        else:
            self._transport.write(self._answers.not_found)

    def _served(self) -> None:
        self._counts.open -= 1
        self._counts.served += 1


class _DelayedConnection(_Connection):
    """Each piece after the same delay."""

    def __init__(self, loop: asyncio.AbstractEventLoop, counts: Counts, answers: Answers, delays: Delays) -> None:
        super().__init__(loop, counts, answers)
        self._delays = delays
        self._pending: asyncio.Handle | None = None

    def _reply(self, body: Mapping[str, Any]) -> None:
        answer = self._answers.to(body)
        if body.get("stream"):
            self._write(answer.streamed(body), 0)
        elif self._delays.answer_seconds:
            self._pending = self._loop.call_later(self._delays.answer_seconds, self._write, (answer.whole,), 0)
        else:
            self._write((answer.whole,), 0)

    def _give_up(self) -> bool:
        pending, self._pending = self._pending, None
        if pending is None:
            return False
        pending.cancel()
        return True

    def _write(self, pieces: Sequence[bytes], number: int) -> None:
        """Write one piece and plan the next, so that each leaves in a packet of its own, as tokens do."""
        self._transport.write(pieces[number])
        if number + 1 == len(pieces):
            self._pending = None
            self._served()
        elif self._delays.gap_seconds:
            self._pending = self._loop.call_later(self._delays.gap_seconds, self._write, pieces, number + 1)
        else:
            self._pending = self._loop.call_soon(self._write, pieces, number + 1)


class _PacedConnection(_Connection):
    """Each token when the engine has it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, counts: Counts, answers: Answers, engine: Engine) -> None:
        super().__init__(loop, counts, answers)
        self._engine = engine
        self._call: Call | None = None

    def _metrics(self) -> bytes:
        engine = self._engine
        text = metrics_text(engine.scheduler, engine.histograms, MODEL, engine.greatest_lag_seconds)
        return text_response(text)

    def _reply(self, body: Mapping[str, Any]) -> None:
        answer = self._answers.to(body)
        self._call = call(body, answer)
        try:
            self._engine.submit(self._call, partial(self._write, body, answer))
        except ValueError:
            self._call = None
            self._transport.write(too_long_response())
            self._served()

    def _give_up(self) -> bool:
        given_up, self._call = self._call, None
        if given_up is None:
            return False
        self._engine.abort(given_up)
        return True

    def _write(self, body: Mapping[str, Any], answer: Answer, written: Call) -> None:
        if body.get("stream"):
            pieces = answer.streamed(body)
            head = pieces[0] if written.generated == 1 else b""
            self._transport.write(head + pieces[written.generated])
        if written.finished:
            self._call = None
            self._transport.write(answer.counted(body, written.prompt_tokens, written.cached_tokens))
            self._finished(written)

    def _finished(self, written: Call) -> None:
        self._served()


class _RecordedConnection(_PacedConnection):
    """The same, with an entry for every call that is served."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        counts: Counts,
        answers: Answers,
        engine: Engine,
        entries: list[Entry],
    ) -> None:
        super().__init__(loop, counts, answers, engine)
        self._entries = entries
        self._request_id = ""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-request-id":
            self._request_id = value.decode("latin-1")

    def _ledger(self) -> bytes:
        return json_response(self._entries)

    def _finished(self, written: Call) -> None:
        self._entries.append(Entry(self._request_id, written.prompt_tokens, written.cached_tokens))
        super()._finished(written)
