"""A real HTTP server on the loopback whose every answer is a function of the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Any

from models.clock import Timeouts
from models.engine import ChatRequest
from models.vllm import VLLMEngine

REQUEST = ChatRequest(messages=({"role": "user", "content": "x"},), headers={"x-request-id": "r-1"})


@dataclass
class Call:
    """One request, and the means to answer it. ``number`` counts from 1 over all connections."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def json(self) -> Any:
        return json.loads(self.body)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, status: int, value: object, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "content-type: application/json"]
        lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def open_stream(self) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def events(self, *values: object) -> None:
        for value in values:
            data = value if isinstance(value, str) else json.dumps(value)
            await self.chunk(f"data: {data}\n\n".encode())

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")


Handler = Callable[[Call], Awaitable[None]]
HandlerMaker = Callable[["Server"], Handler]


@dataclass
class Server:
    """What the test sees of it.

    ``called`` is set by the first request, ``left`` once a connection has ended.
    """

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_left(self, call: Call) -> None:
        """For handlers: wait until the client closes the connection."""
        await call.reader.read()


@asynccontextmanager
async def serving(handler: HandlerMaker) -> AsyncIterator[Server]:
    """Run the handler that ``handler`` makes for the server; a handler that returns keeps the connection open."""
    server = Server()
    answer = handler(server)
    handlers: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with suppress(ConnectionError), closing(writer):
            while (call := await _read(server, reader, writer)) is not None and not writer.is_closing():
                server.calls.append(call)
                server.called.set()
                await answer(call)
        server.left.set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.create_task(converse(reader, writer)))

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


@asynccontextmanager
async def connected(
    handler: HandlerMaker, *, timeouts: Timeouts | None = None, retries: int = 2, connections: int = 8
) -> AsyncIterator[tuple[VLLMEngine, Server]]:
    """The server and a client of ours for it."""
    async with serving(handler) as server:
        engine = VLLMEngine(server.url, "m", timeouts=timeouts, retries=retries, connections=connections)
        try:
            yield engine, server
        finally:
            await engine.aclose()


def always(answer: Handler) -> HandlerMaker:
    """The maker of a handler that needs nothing of the server."""
    return lambda _: answer


def piece(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    """The value of one event of a stream."""
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]}


async def well(call: Call) -> None:
    """Answer "well"."""
    choice = {"message": {"content": "well"}, "finish_reason": "stop"}
    await call.reply(200, {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})


def silent(server: Server) -> Handler:
    """The maker of a handler that never answers."""
    return server.until_left


def stalling(server: Server) -> Handler:
    """The maker of a handler that sends one piece and no more."""

    async def answer(call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await server.until_left(call)

    return answer


async def _read(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(len(server.calls) + 1, method, path, headers, body, reader, writer)
