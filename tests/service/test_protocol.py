"""Heads that are too large, too many or too slow, sent over a plain socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from service.metrics import Metrics
from service.protocol import MAX_HEADERS, bounded
from tests.service.api.serving import running

MAX_BYTES = 2048
ASK = b"GET / HTTP/1.1\r\nhost: x\r\n"


def app() -> ASGIApp:
    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{len(await request.body())} bytes")

    async def slow(_: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(4):
                await asyncio.sleep(0.15)
                yield b"part "

        return StreamingResponse(parts())

    return Starlette(routes=[Route("/", answer, methods=["GET", "POST"]), Route("/slow", slow)])


@contextmanager
def serving(within_s: float = 10.0) -> Iterator[tuple[Metrics, tuple[str, int]]]:
    metrics = Metrics()
    config = uvicorn.Config(
        app(), http=bounded(MAX_BYTES, within_s, metrics), log_config=None, ws="none", lifespan="off"
    )
    with running(config) as url:
        place = urlsplit(url)
        yield metrics, (str(place.hostname), int(place.port or 0))


@pytest.fixture(scope="module")
def patient() -> Iterator[tuple[Metrics, tuple[str, int]]]:
    with serving() as found:
        yield found


def sent(place: tuple[str, int], *pieces: bytes) -> bytes:
    """What comes back until the server closes or says nothing more for a while."""
    with socket.create_connection(place, timeout=3) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_on(connection)


def read_on(connection: socket.socket) -> bytes:
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except (TimeoutError, ConnectionResetError):
        pass
    return found


def refused(metrics: Metrics, reason: str) -> float:
    return metrics.registry.get_sample_value("preceptor_refused_total", {"reason": reason}) or 0.0


CLOSE = b"connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [ASK + b"a: " + b"x" * MAX_BYTES + b"\r\n" + CLOSE],
        [ASK + b"a: " + b"x" * (MAX_BYTES - 40), b"x" * 200],
        [b"GET /" + b"x" * MAX_BYTES + b" HTTP/1.1\r\n" + CLOSE],
        [b"GET /" + b"x" * 2 * MAX_BYTES],
        [b"\r\n" * MAX_BYTES],
        [ASK + b"a: b\r\n" * MAX_HEADERS + CLOSE],
        [ASK + b"a: b\r\n" * MAX_BYTES],
    ],
)
def test_a_large_head_is_refused(patient: tuple[Metrics, tuple[str, int]], pieces: list[bytes]) -> None:
    metrics, place = patient
    before = refused(metrics, "head_too_large")
    answer = sent(place, *pieces)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'"code":"head_too_large"' in answer
    assert b"x-content-type-options: nosniff\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert refused(metrics, "head_too_large") == before + 1


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([ASK + b"a: " + b"x" * 1500 + b"\r\n" + CLOSE], b"0 bytes"),
        ([ASK + b"a: b\r\n" * (MAX_HEADERS - 2) + CLOSE], b"0 bytes"),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n" + CLOSE + b"x" * 9000], b"9000 bytes"),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n" + CLOSE, b"x" * 4500, b"x" * 4500], b"9000 bytes"),
    ],
)
def test_a_head_within_bounds_is_served_whatever_its_body(
    patient: tuple[Metrics, tuple[str, int]], pieces: list[bytes], told: bytes
) -> None:
    answer = sent(patient[1], *pieces)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(told)


def test_every_head_of_a_connection_is_counted_by_itself(patient: tuple[Metrics, tuple[str, int]]) -> None:
    one = ASK + b"a: " + b"x" * 1500 + b"\r\n\r\n"
    answer = sent(patient[1], one, one, one + ASK + b"a: " + b"x" * MAX_BYTES + b"\r\n" + CLOSE)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.count(b"HTTP/1.1 431 ") == 1


def test_a_slow_head_is_refused_and_a_silent_connection_closed() -> None:
    with serving(within_s=0.2) as (metrics, place):
        answer = sent(place, ASK)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b'"code":"head_too_slow"' in answer
        assert sent(place) == b""
        with socket.create_connection(place, timeout=3) as kept:
            kept.sendall(ASK + b"\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
            kept.sendall(b"GET / HT")
            assert read_on(kept).startswith(b"HTTP/1.1 408 ")
        assert refused(metrics, "head_too_slow") == 2


def test_half_a_head_behind_an_answer_does_not_cut_it_off() -> None:
    with serving(within_s=0.1) as (_, place):
        answer = sent(place, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HT")
        assert answer.count(b"part ") == 4
        assert answer.index(b"\r\n0\r\n\r\n") < answer.index(b"HTTP/1.1 408 ")
