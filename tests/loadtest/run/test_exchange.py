import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from loadtest.connection import Address, chat_request
from loadtest.run.exchange import Manner, Moment, exchange
from loadtest.run.row import End
from loadtest.standin.answers import ACCEPTED_QUESTION
from loadtest.standin.server import Delays, listening

BODY = {"messages": [{"role": "user", "content": ACCEPTED_QUESTION}], "stream": True}
PATIENT = Manner(timeout_seconds=30.0)


@asynccontextmanager
async def replying(reply: bytes) -> AsyncIterator[Address]:
    """A server that writes one reply to whatever comes, and hangs up."""

    async def reply_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(reply)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(reply_once, "127.0.0.1", 0)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_is_read_to_its_end(stream: bool) -> None:
    async with listening(0, Delays(gap_seconds=0.002)) as port:
        address = Address("127.0.0.1", port)
        found = await exchange(address, chat_request(address, {**BODY, "stream": stream}), PATIENT)
    read = found.reading
    assert (found.end, found.status, len(read.gaps_ms)) == (End.OK, 200, 15 if stream else 0)
    assert read.first_byte is not None
    assert read.first_answer is not None
    assert found.sent < read.first_byte <= read.first_answer <= found.ended


@pytest.mark.parametrize("moment", ["sending", "first_byte", "first_answer"])
async def test_a_client_leaves_when_it_is_to(moment: Moment) -> None:
    async with listening(0, Delays(gap_seconds=0.05)) as port:
        address = Address("127.0.0.1", port)
        found = await exchange(address, chat_request(address, BODY), Manner(30.0, leaves=(moment, 0.06)))
        async with httpx.AsyncClient(base_url=address.url) as client, asyncio.timeout(20):
            while (counts := (await client.get("/counts")).json())["open"]:
                pass
    assert (found.end, counts["cut_off"]) == (End.LEFT, 1)
    assert found.ended - found.sent >= 0.06
    assert not found.reading.complete


async def test_a_client_that_would_leave_later_gets_its_answer() -> None:
    async with listening(0, Delays()) as port:
        address = Address("127.0.0.1", port)
        found = await exchange(address, chat_request(address, BODY), Manner(30.0, leaves=("first_answer", 20.0)))
    assert found.end is End.OK


async def test_a_slow_reader_takes_its_time() -> None:
    async with listening(0, Delays(gap_seconds=0.001)) as port:
        address = Address("127.0.0.1", port)
        found = await exchange(address, chat_request(address, BODY), Manner(30.0, bytes_per_second=10_000))
    assert found.end is End.OK
    assert found.ended - found.sent > 0.2  # some three thousand bytes, a thousand at a time


async def test_nobody_waits_for_ever() -> None:
    async with listening(0, Delays(gap_seconds=30.0)) as port:
        address = Address("127.0.0.1", port)
        found = await exchange(address, chat_request(address, BODY), Manner(timeout_seconds=0.1))
    assert found.end is End.TIMEOUT


async def test_nobody_there_is_unreachable() -> None:
    async with listening(0, Delays()) as port:
        pass
    found = await exchange(Address("127.0.0.1", port), b"", PATIENT)
    assert (found.end, found.status) == (End.UNREACHABLE, None)


@pytest.mark.parametrize(
    ("reply", "end"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n", End.CUT_OFF),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", End.CUT_OFF),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", End.MALFORMED),
        (b"SSH-2.0-OpenSSH_9\r\n", End.MALFORMED),
        (b"HTTP/1.1 429 Busy\r\nretry-after: 2\r\ncontent-length: 2\r\n\r\n{}", End.REFUSED),
        (b"HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n", End.SERVER_ERROR),
        (b"", End.CUT_OFF),
    ],
)
async def test_what_goes_wrong_is_an_end_by_name(reply: bytes, end: End) -> None:
    async with replying(reply) as address:
        found = await exchange(address, chat_request(address, BODY), PATIENT)
    assert found.end is end
