"""A server that is told to end: what it still does, what it refuses, and how it closes."""

import concurrent.futures
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from principles.retrieve import Retriever, build_retriever
from service.app import create_app
from service.outgoing import Drain
from service.server import DrainingServer
from service.settings import Settings
from tests.service.api.scripted_engine import DRAFT, ENGINE_MODEL, Script, engine_app
from tests.service.api.serving import eventually, served, unused_url
from tests.service.api.test_ops import value

CHAT = "/v1/chat/completions"
PLAIN = {"model": ENGINE_MODEL, "messages": [{"role": "user", "content": "My chest hurts."}], "stream": True}


@pytest.fixture(scope="module")
def retriever() -> Retriever:
    return build_retriever()


@contextmanager
def running(
    retriever: Retriever, script: Script, drain_s: float, **settings: object
) -> Iterator[tuple[str, DrainingServer]]:
    drain = Drain()
    port = urlsplit(unused_url()).port or 0
    with served(engine_app(script)) as engine_url:
        chosen = Settings.model_validate({"engine_url": engine_url, **settings})
        app = create_app(chosen, retriever=retriever, drain=drain)
        config = uvicorn.Config(app, port=port, log_config=None, ws="none", lifespan="on", timeout_graceful_shutdown=1)
        server = DrainingServer(config, drain, drain_s)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        eventually(lambda: server.started)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        try:
            yield url, server
        finally:
            server.should_exit = True
            thread.join(timeout=10)
        assert not thread.is_alive()


def ended(url: str) -> bool:
    try:
        return not httpx.get(f"{url}/healthz")
    except httpx.TransportError:
        return True


def test_open_streams_end_well_and_nobody_new_is_let_in(retriever: Retriever) -> None:
    script = Script(gap_s=0.3)
    with running(retriever, script, drain_s=30) as (url, server), concurrent.futures.ThreadPoolExecutor() as pool:
        asking = pool.submit(httpx.post, f"{url}{CHAT}", json=PLAIN, timeout=30)
        eventually(lambda: script.open_calls > 0)
        server.handle_exit(signal.SIGTERM, None)
        ready = httpx.get(f"{url}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert httpx.get(f"{url}/healthz").status_code == 200
        late = httpx.post(f"{url}{CHAT}", json=PLAIN)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "shutting_down")
        assert (late.headers["retry-after"], late.headers["connection"]) == ("1", "close")
        assert value(url, "preceptor_refused_total", reason="shutting_down") == 1
        answer = asking.result()
        assert answer.text.count('"content"') == len(DRAFT.split())
        assert answer.text.endswith("data: [DONE]\n\n")
        assert '"error"' not in answer.text
        eventually(lambda: ended(url))


def test_what_is_open_at_the_end_of_the_drain_is_told_so(retriever: Retriever) -> None:
    script = Script(held="draft")
    with (
        running(retriever, script, drain_s=1, max_in_flight=1) as (url, server),
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        streaming = pool.submit(httpx.post, f"{url}{CHAT}", json=PLAIN, timeout=30)
        eventually(lambda: script.open_calls > 0)
        waiting = pool.submit(httpx.post, f"{url}{CHAT}", json={**PLAIN, "stream": False}, timeout=30)
        eventually(lambda: value(url, "preceptor_queued_requests") == 1)
        server.handle_exit(signal.SIGTERM, None)
        cut, queued = streaming.result(), waiting.result()
        assert cut.status_code == 200
        assert cut.text.count('"code":"shutting_down"') == 1
        assert cut.text.endswith("data: [DONE]\n\n")
        assert (queued.status_code, queued.json()["error"]["code"]) == (503, "shutting_down")
        eventually(lambda: script.open_calls == 0)


def test_an_idle_server_ends_at_once_and_a_second_signal_ends_a_drain(retriever: Retriever) -> None:
    with running(retriever, Script(), drain_s=600) as (url, server):
        server.handle_exit(signal.SIGTERM, None)
        eventually(lambda: ended(url))
    script = Script(held="draft")
    with running(retriever, script, drain_s=600) as (url, server), concurrent.futures.ThreadPoolExecutor() as pool:
        asking = pool.submit(httpx.post, f"{url}{CHAT}", json=PLAIN, timeout=30)
        eventually(lambda: script.open_calls > 0)
        server.handle_exit(signal.SIGTERM, None)
        server.handle_exit(signal.SIGTERM, None)
        assert '"code":"shutting_down"' in asking.result().text
        server._captured_signals.clear()  # in a thread no handler would take them
