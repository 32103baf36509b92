"""HTTP/1.1 that is malformed, half sent, smuggled or mutated, over plain sockets to a real server process.

Longer: HTTP_FUZZ_CASES=50000 python -m pytest -m slow --timeout 3600 tests/service/test_http_fuzz.py
"""

import asyncio
import os
import random
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from tests.service.api.serving import eventually, served, unused_url
from tests.service.echo_engine import CANARY, echo_app
from tests.service.raw_requests import CHAT, chunked, conversation, known, mutated, post, valid

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

REPOSITORY = Path(__file__).parents[2]
CASES = int(os.environ.get("HTTP_FUZZ_CASES", "600"))
SEED = 1
TOGETHER = 32
LIMIT_S = 2.0
"""Of the server for a head and for a body; a connection on which nothing is owed any more ends within their sum."""
HANGS_S = 60.0
IDLE_S = 4 * LIMIT_S
STARTS_S = 300.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class Server:
    """The process, where it listens, and what it logs."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def files(self) -> int:
        """Its open file descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def gauge(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", httpx.get(f"{self.url}/metrics").text, re.MULTILINE)
        assert found is not None
        return float(found[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("fuzz") / "log"
    url = unused_url()
    with served(echo_app()) as engine, log.open("wb") as output:
        command = [sys.executable, "-m", "service", "serve", "--engine-url", engine, "--port", str(urlsplit(url).port)]
        command += ["--head-s", str(LIMIT_S), "--body-s", str(LIMIT_S), "--log-level", "debug", "--drain-s", "2"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            eventually(lambda: process.poll() is not None or is_ready(url), STARTS_S)
            yield Server(process, url, log)
        finally:
            process.terminate()
            process.wait(timeout=STARTS_S)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    place = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def read_on(reader: asyncio.StreamReader, within_s: float) -> bytes:
    """The next piece; empty at the end, and where an answered connection is kept open for another request."""
    try:
        async with asyncio.timeout(within_s):
            return await reader.read(65536)
    except TimeoutError:
        assert within_s == IDLE_S, "no answer and no end"
        return b""


async def told(server: Server, pieces: Sequence[bytes]) -> bytes:
    """What a connection says until the server ends it, or keeps it for another request; the client stays."""
    async with connected(server) as (reader, writer):
        found = b""
        try:
            async with asyncio.timeout(2 * HANGS_S):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                while piece := await read_on(reader, IDLE_S if found else HANGS_S):
                    found += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
        return found


def is_kept(answer: bytes, canary: str) -> None:
    """Statuses of the contract, errors as objects, and no other request's words."""
    statuses = [int(status) for status in STATUS.findall(answer)]
    assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:200]
    assert all(status in responses and (status < 500 or status == 503) for status in statuses), answer[:500]
    assert b"Traceback" not in answer
    assert {found.decode() for found in CANARY.findall(answer)} <= {canary}
    if len(statuses) == 1 and statuses[0] >= 400 and b"\r\n\r\n" in answer and b"HEAD" not in answer:
        body = answer.split(b"\r\n\r\n", 1)[1]
        assert not body or set(orjson.loads(body)) == {"error"}, answer[:500]


async def all_kept(server: Server, requests: Sequence[tuple[str, bytes]]) -> int:
    """Send every request on a connection of its own, some together; how many were answered."""
    places = asyncio.Semaphore(TOGETHER)

    async def one(canary: str, request: bytes) -> bool:
        async with places:
            answer = await told(server, [request])
        is_kept(answer, canary)
        return bool(answer)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(canary, request)) for canary, request in requests]
    return sum(task.result() for task in tasks)


def is_well(server: Server, files: int) -> None:
    """It answers, nothing is left open, and it has logged nobody's words."""
    assert server.process.poll() is None
    asked = {"model": "preceptor", "messages": [{"role": "user", "content": "My chest hurts. canary-0-end"}]}
    with httpx.Client(base_url=server.url) as client:
        answer = client.post(CHAT, json=asked)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "canary-0-end"
    for gauge in ("preceptor_in_flight_requests", "preceptor_arriving_requests", "preceptor_queued_requests"):
        eventually(lambda gauge=gauge: server.gauge(gauge) == 0)  # type: ignore[misc]
    # The engine's connections are kept; those of clients are not.
    eventually(lambda: server.files() <= files + TOGETHER * 2)
    log = server.log.read_bytes()
    assert not CANARY.search(log)
    assert b"Traceback" not in log


def named(number: int) -> str:
    return f"canary-{number}-end"


def test_what_is_wrong_in_a_known_way_is_refused(server: Server) -> None:
    files = server.files()
    requests = [(named(1), request) for request in known(named(1))]
    assert len(requests) > 400
    assert asyncio.run(all_kept(server, requests)) > len(requests) // 2
    is_well(server, files)


def test_mutated_requests_break_nothing(server: Server) -> None:
    files, rng = server.files(), random.Random(SEED)
    requests = [(named(number), mutated(named(number), rng)) for number in range(2, CASES + 2)]
    assert asyncio.run(all_kept(server, requests)) > CASES // 2
    is_well(server, files)


def test_pipelined_requests_get_their_own_answers_in_order(server: Server) -> None:
    """And rubbish behind them is refused after the last answer, never in the middle of one."""
    pipeline = [post(CHAT, conversation(named(n), stream=n % 2 == 0), close=False) for n in range(10, 16)]
    pipeline += [chunked(conversation(named(16)), close=False), b"\x00\x01 rubbish\r\n\r\n"]
    answer = asyncio.run(told(server, [b"".join(pipeline)]))
    assert [found.decode() for found in CANARY.findall(answer)] == [named(n) for n in range(10, 17)]
    assert STATUS.findall(answer) == [b"200"] * 7 + [b"400"]
    assert orjson.loads(answer.rsplit(b"\r\n\r\n", 1)[1])["error"]["code"] == "not_http"


def test_what_is_half_sent_ends_in_time(server: Server) -> None:
    """A client that stops in the middle, and stays, is let go within the server's limits."""
    request = post(CHAT, conversation(named(20)))
    cuts = [request[:cut] for cut in range(1, len(request), 7)]

    async def run() -> list[bytes]:
        return await asyncio.gather(*(told(server, [cut]) for cut in cuts))

    for answer in asyncio.run(run()):
        is_kept(answer, named(20))
        assert {int(status) for status in STATUS.findall(answer)} <= {408}


def test_one_byte_at_a_time_is_the_same_request(server: Server) -> None:
    for request in (valid(named(30))[0], chunked(conversation(named(30)))):
        answer = asyncio.run(told(server, [request[at : at + 1] for at in range(len(request))]))
        assert STATUS.findall(answer) == [b"200"]
        assert named(30).encode() in answer
