"""A real process that is sent SIGHUP reads its principles again, and goes on whatever it finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.api.scripted_engine import Script, engine_app
from tests.service.api.serving import eventually, served, unused_url
from tests.service.principle_files import NAME, corpus, exchange, principles

ROOT = Path(__file__).parents[2]
START_SECONDS = 150.0


@contextmanager
def process(url: str, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "service", "serve", "--port", url.rpartition(":")[2], "--drain-s", "0", *options]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stderr=output) as child:
        try:
            yield child
        finally:
            child.terminate()
            assert child.wait(20) == 0


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def served_corpus(url: str) -> str:
    return str(httpx.get(f"{url}/v1/principles").json()["corpus"])


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_principles_are_read_again_at_a_hangup_and_nothing_ends_by_it(tmp_path: Path) -> None:
    folder, urls = tmp_path / "mounted", (unused_url(), unused_url())
    logs = (tmp_path / "watching.log", tmp_path / "packaged.log")
    exchange(folder, {NAME: principles("one")})
    with (
        served(engine_app(Script())) as engine,
        process(urls[0], logs[0], "--engine-url", engine, "--corpus", str(folder)) as watching,
        process(urls[1], logs[1], "--engine-url", engine) as packaged,
    ):
        eventually(lambda: all(map(answers, urls)), START_SECONDS)
        exchange(folder, {NAME: principles("two")})
        os.kill(watching.pid, signal.SIGHUP)
        eventually(lambda: served_corpus(urls[0]) == corpus("two").sha8)
        exchange(folder, {NAME: b"["})
        os.kill(watching.pid, signal.SIGHUP)
        eventually(lambda: "ours.yaml: not readable as YAML" in logs[0].read_text(encoding="utf-8"))
        for _ in range(3):
            os.kill(packaged.pid, signal.SIGHUP)
        eventually(lambda: "there is nothing to read again" in logs[1].read_text(encoding="utf-8"))
        assert served_corpus(urls[0]) == corpus("two").sha8
        assert all(map(answers, urls))
        assert (watching.poll(), packaged.poll()) == (None, None)
