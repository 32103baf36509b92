"""Nights on which something is slow, half-dead or leaving: what the gateway absorbs, and what it says of the rest."""

import asyncio
import concurrent.futures
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from principles.query import Message
from principles.retrieve import Retrieval, Retriever
from service.app import create_app
from service.settings import Settings
from tests.models.scripted import Call, Server, piece, serving
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script, engine_app
from tests.service.api.serving import eventually, served, unused_url
from tests.service.api.test_ops import value

CHAT = "/v1/chat/completions"
QUESTION = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]
GUIDED: dict[str, Any] = {"model": "preceptor", "messages": QUESTION}
PLAIN: dict[str, Any] = {"model": ENGINE_MODEL, "messages": QUESTION}


class SlowRetriever(Retriever):
    """A real one that takes its time, or fails."""

    def __init__(self, real: Retriever, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.real = real
        self.seconds = seconds
        self.error = error
        self.asked = 0

    def retrieve(self, messages: Sequence[Message], top_k: int = 8) -> Retrieval:
        self.asked += 1
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.real.retrieve(messages, top_k)


@contextmanager
def gateway(retriever: Retriever, engine_url: str, **settings: Any) -> Iterator[str]:
    chosen = Settings.model_validate({"engine_url": engine_url, **settings})
    with served(create_app(chosen, retriever=retriever), lifespan="on") as url:
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield url


def test_a_slow_search_delays_neither_the_opening_nor_the_deadline(
    retriever: Retriever, engine_base: str, script: Script
) -> None:
    script.gap_s = 0.01
    with gateway(SlowRetriever(retriever, 3.0), engine_base, open_after_s=0.1) as url:
        started = time.monotonic()
        with httpx.stream("POST", f"{url}{CHAT}", json={**GUIDED, "stream": True}, timeout=10) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert time.monotonic() - started < 2.5
        answer = httpx.post(f"{url}{CHAT}", json={**GUIDED, "preceptor": {"deadline_ms": 700}}, timeout=10)
        assert answer.json()["preceptor"]["outcome"] == "degraded"
        assert answer.json()["preceptor"]["reason"] == "deadline"


def test_a_search_that_fails_is_made_once_and_told(retriever: Retriever, engine_base: str, script: Script) -> None:
    failing = SlowRetriever(retriever, error=RuntimeError("no embedder"))
    with gateway(failing, engine_base) as url:
        answer = httpx.post(f"{url}{CHAT}", json=GUIDED)
        assert (answer.status_code, answer.headers["x-preceptor-reason"]) == (200, "retrieval_failed")
        assert failing.asked == 1
        broken = httpx.post(f"{url}/v1/principles/search", json={"query": "x"}, headers={"x-request-id": "r-9"})
        assert (broken.status_code, broken.headers["x-request-id"]) == (500, "r-9")


def test_a_strict_request_is_not_kept_waiting_beyond_its_deadline(url: str, script: Script) -> None:
    script.gap_s = 3.0
    started = time.monotonic()
    answer = httpx.post(f"{url}{CHAT}", json={**GUIDED, "preceptor": {"strict": True, "deadline_ms": 300}}, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "deadline")
    assert time.monotonic() - started < 3.0


def test_checks_that_cannot_be_read_are_told(serve: Serve, script: Script) -> None:
    script.garbage = {"check": b"{"}
    url = serve()
    answer = httpx.post(f"{url}{CHAT}", json=GUIDED)
    assert answer.headers["x-preceptor-outcome"] == "degraded"
    assert answer.headers["x-preceptor-reason"] == "checks_unscored"
    assert value(url, "preceptor_reasons_total", outcome="degraded", reason="checks_unscored") == 1
    strict = httpx.post(f"{url}{CHAT}", json={**GUIDED, "preceptor": {"strict": True}})
    assert (strict.status_code, strict.json()["error"]["code"]) == (503, "checks_unscored")


def test_bad_words_hold_for_edits_too(url: str, script: Script) -> None:
    answer = httpx.post(f"{url}{CHAT}", json={**GUIDED, "bad_words": ["ambulance"]})
    assert answer.headers["x-preceptor-outcome"] == "kept_draft"
    assert script.asked[script.steps().index("draft")]["bad_words"] == ["ambulance"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"truncate_prompt_tokens": 64}, "truncate_prompt_tokens"),
        ({"stream_options": {"continuous_usage_stats": True}}, "stream_options.continuous_usage_stats"),
    ],
)
def test_what_would_be_lost_on_the_way_is_refused(url: str, fields: dict[str, Any], param: str) -> None:
    answer = httpx.post(f"{url}{CHAT}", json={**GUIDED, **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_no_prompt_logprobs_are_log_probabilities_too(url: str) -> None:
    answer = httpx.post(f"{url}{CHAT}", json={**GUIDED, "prompt_logprobs": 0})
    assert answer.headers["x-preceptor-reason"] == "logprobs"


def test_a_client_that_does_not_read_gives_its_slot_back(serve: Serve, script: Script) -> None:
    script.draft = " ".join(["x" * 100_000] * 200)
    url = serve(max_in_flight=1, max_queued=0, stall_s=0.5, max_body_bytes=4096)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    place, body = urlsplit(url), orjson.dumps({**PLAIN, "stream": True})
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((place.hostname, place.port))
        deaf.sendall(
            b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % (CHAT.encode(), len(body)) + body
        )
        eventually(lambda: value(url, "preceptor_cancelled_total", route=CHAT) == 1)
    assert value(url, "preceptor_in_flight_requests") == 0


def test_a_slow_sender_takes_no_place_from_others(serve: Serve) -> None:
    url = serve(max_in_flight=1, max_queued=0)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as slow:
        slow.sendall(b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{" % CHAT.encode())
        eventually(lambda: value(url, "preceptor_arriving_requests") == 1)
        # As many bodies may arrive as requests may be inside: here the one.
        assert httpx.post(f"{url}{CHAT}", json=PLAIN).status_code == 429
    eventually(lambda: value(url, "preceptor_arriving_requests") == 0)
    assert value(url, "preceptor_requests_total", route=CHAT, method="POST", status="499") == 1
    assert httpx.post(f"{url}{CHAT}", json=PLAIN).status_code == 200


@contextmanager
def engine_that(answer: Any) -> Iterator[str]:
    """A bare engine on a loop of its own, which lists a model and answers chats by ``answer``."""

    def handler(server: Server) -> Any:
        async def handle(call: Call) -> None:
            if call.path == "/v1/models":
                await call.reply(200, {"data": [{"id": ENGINE_MODEL}]})
            elif call.path == "/health" or b'"max_tokens":1,' in call.body:
                await call.reply(200, {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]})
            else:
                await answer(call, server)

        return handle

    loop = asyncio.new_event_loop()
    started: asyncio.Future[str] = loop.create_future()
    ended = asyncio.Event()

    async def run() -> None:
        async with serving(handler) as server:
            started.set_result(server.url)
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    eventually(started.done)
    try:
        yield started.result()
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def test_an_engine_that_dies_inside_an_event_leaves_whole_events(retriever: Retriever) -> None:
    async def half(call: Call, server: Server) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await asyncio.sleep(0.2)  # what has not been read when a connection breaks is lost with it
        await call.chunk(b'data: {"choices":[{"del')
        await asyncio.sleep(0.2)
        call.writer.close()

    with engine_that(half) as engine, gateway(retriever, engine) as url:
        text = httpx.post(f"{url}{CHAT}", json={**PLAIN, "stream": True}).text
        events = [orjson.loads(line.removeprefix("data: ")) for line in text.split("\n\n")[:-2]]
        assert [set(event) for event in events] == [{"choices"}, {"error"}]
        assert text.endswith("data: [DONE]\n\n")
        assert value(url, "preceptor_failures_total", error="EngineUnavailable") == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "told"), [(302, 502), (404, 404), (500, 500)])
def test_a_reply_that_is_no_answer_is_none(retriever: Retriever, status: int, told: int, stream: bool) -> None:
    async def refuse(call: Call, server: Server) -> None:
        await call.reply(status, b"<html>", location="http://127.0.0.1:1/")

    with engine_that(refuse) as engine, gateway(retriever, engine) as url:
        answer = httpx.post(f"{url}{CHAT}", json={**PLAIN, "stream": stream})
        assert (answer.status_code, set(answer.json())) == (told, {"error"})


def test_an_engine_that_lists_models_but_does_not_answer_keeps_nobody_waiting_for_news(
    engine_base: str, retriever: Retriever
) -> None:
    def handler(server: Server) -> Any:
        async def handle(call: Call) -> None:
            if call.path == "/v1/models":
                await call.reply(200, {"data": [{"id": "m"}]})
            else:
                await server.until_left(call)

        return handle

    async def main() -> None:
        async with serving(handler) as server:
            with served(create_app(Settings(engine_url=server.url), retriever=retriever), lifespan="on") as url:
                async with httpx.AsyncClient(timeout=5) as client:
                    await server.called.wait()
                    assert (await client.get(f"{url}/readyz")).status_code == 503
                    assert (await client.get(f"{url}/v1/models")).status_code == 200

    asyncio.run(main())


def test_an_engine_that_serves_another_model_is_bound_anew(retriever: Retriever, script: Script) -> None:
    served_models = ["first"]
    app = engine_app(script)
    app.state.models = served_models
    with served(app) as engine, gateway(retriever, engine) as url:
        eventually(lambda: httpx.get(f"{url}/readyz").json()["model"] == "first")
        served_models[:] = ["second", "adapter"]
        eventually(lambda: httpx.get(f"{url}/readyz").json()["model"] == "second")
        assert httpx.post(f"{url}{CHAT}", json={**PLAIN, "model": "adapter"}).status_code == 200
        assert httpx.post(f"{url}{CHAT}", json={**PLAIN, "model": "first"}).status_code == 404


def test_what_the_engine_is_up_to_is_logged(
    retriever: Retriever, caplog: pytest.LogCaptureFixture, engine_base: str
) -> None:
    with caplog.at_level(logging.INFO, logger="preceptor.engine"):
        with served(create_app(Settings(engine_url=unused_url()), retriever=retriever), lifespan="on"):
            eventually(lambda: "the engine is not ready: EngineUnavailable" in caplog.text)
        with gateway(retriever, engine_base):
            eventually(lambda: "the engine answers" in caplog.text)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_is_told_to_stop_ends_what_it_cannot_finish(
    script: Script, engine_base: str, stream: bool, tmp_path: Path
) -> None:
    script.held = "draft"
    port = urlsplit(unused_url()).port
    command = [sys.executable, "-m", "service", "serve", "--engine-url", engine_base, "--port", str(port)]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen([*command, "--drain-s", "1"], stderr=log) as running:
        eventually(lambda: _answers(port), seconds=60)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            url = f"http://127.0.0.1:{port}{CHAT}"
            asking = pool.submit(httpx.post, url, json={**GUIDED, "stream": stream}, timeout=30)
            eventually(lambda: script.open_calls > 0)
            running.send_signal(signal.SIGTERM)
            answer = asking.result()
    assert '"code":"shutting_down"' in answer.text
    assert answer.status_code == (200 if stream else 503)
    assert answer.text.endswith("data: [DONE]\n\n") is stream


def _answers(port: int | None) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False
