import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.connection import Address, Connection, ConnectionFailure, Connections, chat_request


class Telling(asyncio.Protocol):
    """A server's side of a connection, with one reply for whatever comes."""

    def __init__(self, reply: bytes, served: list[int], *, close: bool) -> None:
        self.reply, self.served, self.close = reply, served, close
        self.number = len(served)
        served.append(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.served[self.number] += 1
        self.transport.write(self.reply)
        if self.close:
            self.transport.close()


@asynccontextmanager
async def telling(reply: bytes, *, close: bool = False) -> AsyncIterator[tuple[Address, list[int]]]:
    """Such a server, and how many requests each of its connections has had."""
    served: list[int] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Telling(reply, served, close=close), "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1]), served


async def ask_twice(reply: bytes, *, close: bool = False) -> tuple[list[bytes], list[int]]:
    async with telling(reply, close=close) as (address, served):
        connections = Connections(address)
        found = [(await connections.ask(chat_request(address, {"model": "m"}))).body for _ in range(2)]
        connections.close()
        return found, served


async def test_a_connection_is_used_again() -> None:
    reply = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert await ask_twice(reply) == ([b"abc", b"abc"], [2])


async def test_a_connection_that_the_server_ends_is_replaced() -> None:
    reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab"
    assert await ask_twice(reply, close=True) == ([b"ab", b"ab"], [1, 1])


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    assert await ask_twice(b"HTTP/1.0 200 OK\r\n\r\nabc", close=True) == ([b"abc", b"abc"], [1, 1])


async def test_status_and_outcome_are_read() -> None:
    reply = b"HTTP/1.1 503 Away\r\nX-Preceptor-Outcome: degraded\r\ncontent-length: 0\r\n\r\n"
    async with telling(reply) as (address, _):
        connection = await Connection.to(address)
        found = await connection.ask(b"GET / HTTP/1.1\r\n\r\n")
        connection.close()
    assert (found.status, found.outcome, found.body) == (503, "degraded", b"")


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", "left before"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", "left before"),
        (b"SSH-2.0-OpenSSH_9\r\n", "not HTTP"),
    ],
)
async def test_a_reply_that_is_cut_short_is_a_failure(reply: bytes, complaint: str) -> None:
    async with telling(reply, close=True) as (address, _):
        connection = await Connection.to(address)
        with pytest.raises(ConnectionFailure, match=complaint):
            await connection.ask(b"GET / HTTP/1.1\r\n\r\n")


async def test_nobody_at_the_address_is_a_failure() -> None:
    async with telling(b"") as (address, _):
        pass
    with pytest.raises(ConnectionFailure, match="no connection"):
        await Connections(address).ask(b"GET / HTTP/1.1\r\n\r\n")
