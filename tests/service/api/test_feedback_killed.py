"""A thousand feedbacks at once while exports run, and the database is killed in the middle."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from service.feedback import migrate
from service.feedback.address import database_url
from service.feedback.database import Database
from service.revision.feedback import read_record
from tests.postgres import Postgres
from tests.service.api.conftest import Serve
from tests.service.api.test_ops import value

WRITES, KILL_AFTER, TURNED_AWAY = 1000, 300, 50
REVIEWER = {"role": "nurse", "pseudonym": "r-1"}


@dataclass
class Storm:
    """``acknowledged`` are ids that the gateway promised; ``statuses`` everything that it said, 0 for no answer."""

    url: str
    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    exports: Counter[str] = field(default_factory=Counter)

    async def rage(self, kill: Callable[[], object], start: Callable[[], object]) -> list[str]:
        """Write everything, however often it takes; return the ids of the export at the end."""
        connections = aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(connector=connections, timeout=aiohttp.ClientTimeout(60)) as session:
            over = asyncio.Event()
            watchers = [asyncio.create_task(self._export_until(session, over)) for _ in range(2)]
            killer = asyncio.create_task(self._kill(kill, start))
            await asyncio.gather(*(self._write(session, number) for number in range(WRITES)))
            over.set()
            await asyncio.gather(killer, *watchers)
            async with session.get(f"{self.url}/v1/feedback/export") as answer:
                lines = (await answer.read()).splitlines()
        return [read_record(line).id for line in lines]

    async def _write(self, session: aiohttp.ClientSession, number: int) -> None:
        body = {"revision_id": f"rev-{number}", "preferred": "draft", "reviewer": REVIEWER}
        while True:
            try:
                headers = {"idempotency-key": f"write-{number}"}
                async with session.post(f"{self.url}/v1/feedback", json=body, headers=headers) as answer:
                    told = await answer.json()
                    self.statuses[answer.status] += 1
                    if answer.status in (200, 201):
                        self.acknowledged.append(told["id"])
                        return
                    self.codes[told["error"]["code"]] += 1
                    assert answer.headers["retry-after"].isdigit()
            except aiohttp.ClientError:
                self.statuses[0] += 1
            await asyncio.sleep(0.1)

    async def _export_until(self, session: aiohttp.ClientSession, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with session.get(f"{self.url}/v1/feedback/export") as answer:
                    lines = (await answer.read()).splitlines()
                    broken = answer.status != 200 or bool(lines and "error" in orjson.loads(lines[-1]))
                    self.exports["broken" if broken else "whole"] += 1
            except aiohttp.ClientError:
                self.exports["broken"] += 1
            await asyncio.sleep(0.05)

    async def _kill(self, kill: Callable[[], object], start: Callable[[], object]) -> None:
        while len(self.acknowledged) < KILL_AFTER:  # noqa: ASYNC110 - many tasks move what is looked at
            await asyncio.sleep(0.005)
        await asyncio.to_thread(kill)
        before = self.statuses[503] + self.statuses[0]
        while self.statuses[503] + self.statuses[0] < before + TURNED_AWAY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(start)

    def check(self, kept: list[str]) -> None:
        """Nothing acknowledged is lost, and nothing is there twice."""
        assert set(self.acknowledged) <= set(kept)
        assert (len(kept), len(set(kept)), len(self.acknowledged)) == (WRITES, WRITES, WRITES)
        assert set(self.statuses) <= {0, 200, 201, 503}
        assert set(self.codes) <= {"feedback_unavailable", "feedback_busy"}
        assert self.exports["whole"] > 0


async def migrated(address: str) -> None:
    url = database_url(address)
    assert url is not None
    database = Database(url)
    await database.migrate(migrate.upgrade)
    await database.aclose()


async def test_postgresql_is_killed(serve: Serve, postgres: Postgres) -> None:
    address = await postgres.new_database()
    await migrated(address)
    url = await asyncio.to_thread(lambda: serve(feedback_database=address))
    ready: list[int] = []

    def start() -> None:
        ready.append(status(f"{url}/readyz"))
        postgres.start()

    storm = Storm(url)
    storm.check(await storm.rage(postgres.kill, start))
    assert storm.statuses[503] >= TURNED_AWAY
    assert storm.statuses[0] == 0  # the gateway itself always answered
    assert ready == [200]  # and was ready for all else
    assert value(url, "preceptor_feedback_failures_total", reason="unavailable") >= TURNED_AWAY


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_gateway_is_killed_with_its_file(engine_base: str, tmp_path: Path) -> None:
    gateway = Gateway(engine_base, tmp_path / "state" / "feedback.db")
    await asyncio.to_thread(gateway.start)
    storm = Storm(gateway.url)
    try:
        storm.check(await storm.rage(gateway.kill, gateway.start))
    finally:
        await asyncio.to_thread(gateway.kill)
    assert storm.statuses[0] >= TURNED_AWAY


class Gateway:
    """A gateway as a process."""

    def __init__(self, engine_url: str, file: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--engine-url", engine_url]
        self._env = {**os.environ, "PRECEPTOR_FEEDBACK_DATABASE": f"sqlite:///{file}"}

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._env, stderr=subprocess.DEVNULL)
        while status(f"{self.url}/healthz") != 200:
            assert self._process.poll() is None
            time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def status(url: str) -> int:
    """The status of one GET; 0 where nobody answers."""
    place = urlsplit(url)
    try:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
            connection.sendall(f"GET {place.path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            return int(connection.recv(65536).split()[1])
    except OSError:
        return 0
