import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from loadtest.child import free_address
from loadtest.connection import Address
from loadtest.faults.client import End, Leave, ask

PIECE = b'data: {"choices":[{"delta":{"content":"rest "}}]}\n\n'
FINISH = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}], "preceptor": {"outcome": "accepted"}}\n\n'
ERROR = b'data: {"error": {"code": "engine_cut_off", "message": "x"}}\n\n'
DONE = b"data: [DONE]\n\n"
BODY = {"model": "m", "messages": []}


@asynccontextmanager
async def saying(reply: bytes, *, close: bool = True) -> AsyncIterator[Address]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            if not close:
                await reader.read()
        over.set()

    over = asyncio.Event()
    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
        await over.wait()


def stream(*events: bytes, length: int | None = None) -> bytes:
    body = b"".join(events)
    kind = b"text/event-stream"
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (kind, size, body)


def whole(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


@pytest.mark.parametrize(
    ("reply", "end"),
    [
        (stream(PIECE, b": ping\n\n", PIECE, FINISH, DONE), End.ANSWER),
        (stream(PIECE, ERROR, DONE), End.STREAM_ERROR),
        (stream(PIECE, ERROR, ERROR, DONE), End.WRONG),
        (stream(PIECE, ERROR), End.WRONG),
        (stream(PIECE, DONE), End.WRONG),
        (stream(PIECE, FINISH, DONE, DONE), End.WRONG),
        (stream(PIECE, length=1000), End.CUT),
        (whole(200, b'{"choices": [{"message": {"content": "rest a while"}}]}'), End.ANSWER),
        (whole(503, b'{"error": {"code": "x", "message": "y"}}'), End.ERROR),
        (whole(503, b"<html>"), End.WRONG),
        (whole(200, b"<html>"), End.WRONG),
        (b"nonsense\r\n\r\n", End.WRONG),
        (b"", End.CUT),
    ],
)
async def test_every_end_has_its_name(reply: bytes, end: End) -> None:
    async with saying(reply) as address:
        assert (await ask(address, BODY, 10.0)).end is end


async def test_what_came_is_told_with_its_end() -> None:
    async with saying(stream(PIECE, PIECE, FINISH, DONE)) as address:
        got = await ask(address, BODY, 10.0)
    assert (got.status, got.outcome, got.answer, got.tokens) == (200, "accepted", "rest rest ", 2)


async def test_silence_beyond_the_budget_is_a_hang() -> None:
    async with saying(stream(PIECE, length=1000), close=False) as address:
        assert (await ask(address, BODY, 0.2)).end is End.HUNG


async def test_nobody_there_is_a_refusal() -> None:
    assert (await ask(free_address(), BODY, 10.0)).end is End.REFUSED


async def test_a_client_leaves_when_it_is_told_to() -> None:
    leave = Leave()
    async with saying(stream(PIECE, length=1000), close=False) as address:
        asked = asyncio.ensure_future(ask(address, BODY, 10.0, leave))
        await asyncio.wait_for(leave.began.wait(), 10.0)
        leave.now()
        assert (await asked).end is End.LEFT
