"""The balancer with real sockets: turns, ends that are passed on, backends that are away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from loadtest.child import free_address
from loadtest.cluster.balancer import balancing
from loadtest.connection import Address


@asynccontextmanager
async def named(name: bytes) -> AsyncGenerator[Address, None]:
    """A server that gives back what it was sent until the end of it, after its name."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content = await reader.read()
        writer.write(name + content)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address(*server.sockets[0].getsockname())


async def asked(address: Address, content: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(content)
    writer.write_eof()
    reply = await reader.read()
    writer.close()
    return reply


async def test_connections_go_to_the_backends_in_turn_and_both_ends_are_passed_on() -> None:
    async with named(b"a:") as a, named(b"b:") as b, balancing([a, b]) as (address, balancer):
        large = b"x" * 300_000
        replies = [await asked(address, large) for _ in range(4)]
    assert [reply[:2] for reply in replies] == [b"a:", b"b:", b"a:", b"b:"]
    assert all(reply[2:] == large for reply in replies)
    assert (balancer.opened, balancer.passed_over) == ([2, 2], [0, 0])


async def test_a_backend_that_is_away_is_passed_over() -> None:
    async with named(b"b:") as b, balancing([free_address(), b]) as (address, balancer):
        assert [await asked(address, b"1") for _ in range(2)] == [b"b:1", b"b:1"]
    assert (balancer.opened, balancer.passed_over) == ([0, 2], [2, 0])


async def test_where_no_backend_is_there_the_connection_is_broken_off() -> None:
    async with balancing([free_address()]) as (address, balancer):
        with suppress(ConnectionError):  # reset or ended: the kernel's choice
            assert await asked(address, b"1") == b""
    assert balancer.passed_over == [1]


async def test_a_caller_that_leaves_takes_its_backends_connection_along() -> None:
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()
            left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, balancing([Address(*server.sockets[0].getsockname())]) as (address, _):
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"hello")
        await writer.drain()
        writer.transport.abort()
        async with asyncio.timeout(10):
            await left.wait()


async def test_a_connection_that_is_still_open_at_the_end_is_broken_off() -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        came.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        async with balancing([Address(*server.sockets[0].getsockname())]) as (address, _):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"hello")
            await came.wait()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        await left.wait()
        writer.close()
