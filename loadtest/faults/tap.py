"""Sits on the wire between gateway and engine: it knows of every call which step it is, and misbehaves when told to.

Invariant: without a plan every byte goes through as it came and either side's leaving ends the other at once; what it
knows of a call is its request id, ``<request id>-<step>-<n>``.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httptools
import orjson

from loadtest.connection import Address
from loadtest.faults.misdeeds import Misdeed, reply

PLAIN = "plain"
"""The step of a call that is passed through."""
_CHAT = b"/v1/chat/completions"
_STEP = re.compile(rb"-([a-z]+)-\d+$")
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)
_WHOLE_PIECES = 3


@dataclass(slots=True)
class Plan:
    """What is to go wrong at which step, and which tap's engine is the sick one: the first that is asked for it."""

    step: str
    misdeed: Misdeed | None = None
    sick: "Tap | None" = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def meet(self, tap: "Tap", step: str) -> Misdeed | None:
        """Note a call, and say what is to be done to it."""
        if step != self.step or self.sick not in (None, tap):
            return None
        self.sick = tap
        self.reached.set()
        return self.misdeed


class Tap:
    """One engine's wire; ``plan`` may be changed at any time and counts for the calls that come then.

    ``calls`` are chat completions that came, ``left`` those that the gateway left before their answer was whole.
    """

    def __init__(self, engine: Address, host: str = "127.0.0.1") -> None:
        self.engine = engine
        self.plan: Plan | None = None
        self.calls = self.left = 0
        self.address = Address(host, 0)
        self._server: asyncio.Server | None = None
        self._open: set[_Caller] = set()

    async def listen(self) -> None:
        """Take connections, at the port of before if there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Caller(self, self._open), self.address.host, self.address.port)
        self.address = Address(self.address.host, self._server.sockets[0].getsockname()[1])

    def refuse(self) -> None:
        """Be as a host on which nobody listens any more: connections are lost, new ones refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for caller in list(self._open):
            caller.abort()


@asynccontextmanager
async def tapped(engine: Address, host: str = "127.0.0.1") -> AsyncIterator[Tap]:
    """A tap before ``engine`` while the block runs."""
    tap = Tap(engine, host)
    await tap.listen()
    try:
        yield tap
    finally:
        tap.refuse()


class _Caller(asyncio.Protocol):
    """A connection of the gateway's; one call at a time, each over a connection of its own to the engine."""

    def __init__(self, tap: Tap, among: "set[_Caller]") -> None:
        self._tap = tap
        self._among = among
        self._parser = httptools.HttpRequestParser(self)
        self._engine: _Engine | None = None
        self._gone = False
        self._raw: list[bytes] = []
        self._body: list[bytes] = []
        self._path, self._step = b"", PLAIN
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._among.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._among.discard(self)
        if self._engine is not None:
            self._tap.left += self._path == _CHAT
            self._engine.abort()

    def data_received(self, data: bytes) -> None:
        self._raw.append(data)
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._step = PLAIN
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        found = _STEP.search(value) if name.lower() == b"x-request-id" else None
        if found:
            self._step = found[1].decode("ascii")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        raw, self._raw = b"".join(self._raw), []
        self._tap.calls += self._path == _CHAT
        plan = self._tap.plan if self._path == _CHAT else None
        misdeed = plan.meet(self._tap, self._step) if plan is not None else None
        if misdeed is None or misdeed in (Misdeed.HALF_THEN_CLOSE, Misdeed.HALF_THEN_SILENCE):
            stream = misdeed is not None and self._asks_for_stream()
            self._engine = _Engine(self, _Cut(misdeed, _WHOLE_PIECES if stream else 0) if misdeed else None)
            self._forward(raw)
        elif misdeed is Misdeed.RESET:
            self.reset()
        elif misdeed is not Misdeed.NEVER:
            self.write(reply(misdeed, stream=self._asks_for_stream()))

    def write(self, data: bytes) -> None:
        """Hand bytes on to the gateway."""
        if not self._gone:
            self._transport.write(data)

    def abort(self) -> None:
        """Leave the gateway's connection at once."""
        self._transport.abort()

    def reset(self) -> None:
        """Leave with a reset and not with a farewell."""
        taken = cast(socket.socket, self._transport.get_extra_info("socket"))
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        self._transport.abort()

    def answered(self) -> None:
        """Note that the engine's reply is whole."""
        self._engine = None

    def _asks_for_stream(self) -> bool:
        return orjson.loads(b"".join(self._body)).get("stream") is True

    def _forward(self, raw: bytes) -> None:
        """Connect to the engine; the task ends with the connection that it makes, or with this one's."""
        engine = self._engine
        assert engine is not None
        engine.connecting = asyncio.ensure_future(engine.ask(self._tap.engine, raw))


@dataclass(slots=True)
class _Cut:
    """How an answer is to break off: after so many pieces, in the middle of the next."""

    misdeed: Misdeed
    whole_pieces: int


class _Engine(asyncio.Protocol):
    """A connection to the engine for one call."""

    def __init__(self, caller: _Caller, cut: _Cut | None) -> None:
        self.connecting: asyncio.Future[None] | None = None
        self._caller = caller
        self._cut = cut
        self._parser = httptools.HttpResponseParser(self)
        self._whole = self._left = False
        self._transport: asyncio.Transport | None = None

    async def ask(self, engine: Address, raw: bytes) -> None:
        """Send the call as it came."""
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, engine.host, engine.port)
        except OSError:
            self._caller.abort()
            return
        transport.write(raw)

    def abort(self) -> None:
        """Leave the engine's connection at once, or before there is one."""
        self._left = True
        if self._transport is not None:
            self._transport.abort()
        elif self.connecting is not None:
            self.connecting.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._left:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._left:
            return
        if self._cut is not None:
            self._break_off(self._cut, data)
            return
        self._caller.write(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._whole = self._left = True
        self._caller.answered()
        assert self._transport is not None
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not (self._whole or self._left):
            self._caller.abort()

    def _break_off(self, cut: _Cut, data: bytes) -> None:
        if cut.whole_pieces:
            cut.whole_pieces -= 1
            self._caller.write(data)
            return
        self._caller.write(data[: len(data) // 2])
        self.abort()
        if cut.misdeed is Misdeed.HALF_THEN_CLOSE:
            # A reply that is half in the kernel's hands is still sent: a farewell follows it, as from a dead process.
            asyncio.get_running_loop().call_soon(self._caller.abort)
