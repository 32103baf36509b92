"""Canaries sent through every route, field and failure: none may sing in a log line, a metric or an error.

The one exception is a refusal of the engine's own (4xx), which is handed to the client whose request it is about.
"""

import logging
import socket
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from models.vllm import VLLMEngine
from principles.retrieve import Retriever
from service.logs import JsonLines
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually, unused_url
from tests.service.api.test_access import key_with
from tests.service.api.test_faults import SlowRetriever, gateway
from tests.service.api.test_ops import value
from tests.service.tracing.collector import Collector, collecting

CANARY = "Zanzibarium"
CHAT, REVISIONS, SEARCH = "/v1/chat/completions", "/v1/revisions", "/v1/principles/search"
MESSAGES = [{"role": "user", "content": f"My chest hurts, says Mrs {CANARY}. What now?"}]
FEEDBACK = "/v1/feedback"
GUIDED: dict[str, Any] = {"model": "preceptor", "messages": MESSAGES}
PLAIN: dict[str, Any] = {"model": ENGINE_MODEL, "messages": MESSAGES}
DRAFT = f"Rest, Mrs {CANARY}. Wait for an hour."
EDIT = {"insert_after": 1, "text": f"Call an ambulance now, Mrs {CANARY}."}
SAID_BY_ENGINE = {"error": {"message": f"no: {CANARY}", "type": CANARY, "param": CANARY, "code": CANARY}}


class Songs:
    """Everything that a gateway says of a request other than its answer."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self._errors: list[str] = []

    def ask(self, url: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Ask, and keep what the answer says of what went wrong."""
        content = body if isinstance(body, bytes | None) else orjson.dumps(body)
        method = more.pop("method", "GET" if body is None else "POST")
        answer = httpx.request(method, f"{url}{path}", content=content, timeout=20, **more)
        told = [event for event in answer.text.split("\n\n") if '"error"' in event]
        self._errors += [str(answer.headers), *(told if answer.status_code in (200, 201) else [answer.text])]
        return answer

    def none(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Fail if a canary sings."""
        metrics = httpx.get(f"{url}/metrics", headers=headers)
        assert metrics.status_code == 200
        ours = [record for record in self._caplog.records if record.name != "uvicorn.access"]  # which we switch off
        lines = [JsonLines().format(record) for record in ours]
        sung = [text for text in (*lines, *self._errors, metrics.text) if CANARY.lower() in text.lower()]
        assert not sung

    def none_in_spans(self, collector: Collector, name: str) -> None:
        """Fail if one sings in what was exported, up to the span of a request of this name."""
        eventually(lambda: bool(collector.named(name)))
        assert CANARY.lower().encode() not in b"".join(collector.bodies).lower()


@pytest.fixture
def songs(caplog: pytest.LogCaptureFixture) -> Iterator[Songs]:
    with caplog.at_level(logging.DEBUG):
        yield Songs(caplog)


@pytest.mark.parametrize("path", [CHAT, REVISIONS, SEARCH, "/v1/completions", "/v1/embeddings", "/v1/feedback"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"%b' % CANARY.encode(),
        orjson.dumps([CANARY]),
        {CANARY: CANARY},
        {"model": CANARY, "messages": MESSAGES, "prompt": CANARY, "input": CANARY},
        {"model": "preceptor", "messages": CANARY, "query": [CANARY], "draft": [CANARY]},
        {"model": "preceptor", "messages": [{"role": CANARY, "content": CANARY, CANARY: CANARY}]},
        {"model": "preceptor", "messages": [{"role": "user", "content": [{"type": CANARY, CANARY: CANARY}]}]},
        {**GUIDED, "stream": CANARY, "temperature": CANARY, "max_tokens": CANARY, "stop": [[CANARY]]},
        {**GUIDED, "preceptor": {CANARY: 1}, "options": {CANARY: 1}},
        {**GUIDED, "preceptor": {"principles": CANARY}, "options": {"principles": CANARY}},
        {**GUIDED, "stream_options": {CANARY: True}},
        {**GUIDED, "audio": {"voice": CANARY}, "top_k": CANARY},
    ],
)
def test_malformed_requests(url: str, songs: Songs, path: str, body: Any) -> None:
    answer = songs.ask(url, path, body)
    assert answer.status_code in (400, 404) or "content" in str(body)  # what a part is, is for the engine to say
    songs.none(url)


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"preceptor": {"trace": True, "stages": True}}, {"n": 2}])
@pytest.mark.parametrize("base", [GUIDED, PLAIN])
def test_answers(url: str, script: Script, songs: Songs, fields: dict[str, Any], base: dict[str, Any]) -> None:
    sing(script)
    extra = dict.fromkeys(("user", "cache_salt", "prompt_cache_key", "safety_identifier", "my_field"), CANARY)
    assert CANARY in songs.ask(url, CHAT, {**base, **fields, **extra, "metadata": {CANARY: CANARY}}).text
    songs.none(url)


def test_feedback(serve: Serve, songs: Songs, tmp_path: Path) -> None:
    url = serve(feedback_database=f"sqlite:///{tmp_path}/f.db", feedback_content=True)
    given: dict[str, Any] = {"revision_id": "rev-1", "preferred": "own_edit", "own_edit": CANARY, "note": CANARY}
    given |= {"reviewer": {"role": "nurse", "pseudonym": CANARY}, "patient": CANARY, "messages": MESSAGES}
    given |= {"revision": {"draft": DRAFT, "answer": DRAFT}}
    key = {"idempotency-key": CANARY}
    stored = songs.ask(url, FEEDBACK, given, headers=key)
    assert (stored.status_code, CANARY in httpx.get(f"{url}{FEEDBACK}/export").text) == (201, True)
    wrong: list[dict[str, Any]] = [
        {"own_edit": CANARY * 20_000},
        {"verdicts": CANARY},
        {"patient": f"{CANARY} {CANARY}"},
    ]
    wrong += [
        {"rubric": [{"action": CANARY}]},
        {"rubric": [{"action": "add", "text": [CANARY]}]},
        {"note": f"{CANARY}\0"},
    ]
    wrong += [{"reviewer": {"role": CANARY}}, {"revision": {"draft": CANARY, "answer": [CANARY]}}, {CANARY: CANARY}]
    assert {songs.ask(url, FEEDBACK, given | one).status_code for one in wrong} == {400, 422}
    assert songs.ask(url, FEEDBACK, {**given, "revision_id": "rev-2"}, headers=key).status_code == 409
    assert songs.ask(url, FEEDBACK, given, headers={"idempotency-key": f"{CANARY} !"}).status_code == 400
    for path in (f"?cursor={CANARY}", f"?preferred={CANARY}", f"?{CANARY}=1", f"/{CANARY}"):
        assert songs.ask(url, f"{FEEDBACK}{path}").status_code in (400, 404)
    httpx.delete(f"{url}{FEEDBACK}", params={"patient": CANARY}, timeout=20)
    songs.none(url)


def test_feedback_whose_database_is_broken(serve: Serve, songs: Songs, tmp_path: Path) -> None:
    file = tmp_path / "f.db"
    file.write_bytes(CANARY.encode() * 1000)
    url = serve(feedback_database=f"sqlite:///{file}", feedback_content=True)
    given = {"revision_id": CANARY, "preferred": "draft", "reviewer": {"role": "nurse", "pseudonym": CANARY}}
    assert songs.ask(url, FEEDBACK, {**given, "note": CANARY}).status_code == 503
    songs.none(url)


@pytest.mark.parametrize("stream", [False, True])
def test_revisions(url: str, script: Script, songs: Songs, stream: bool) -> None:
    sing(script)
    body = {"messages": MESSAGES, "draft": DRAFT, "stream": stream}
    assert CANARY in songs.ask(url, REVISIONS, body).text
    songs.none(url)


def test_searches_paths_queries_and_headers(url: str, songs: Songs) -> None:
    assert songs.ask(url, SEARCH, {"query": f"chest pain, {CANARY}"}).status_code == 200
    assert songs.ask(url, SEARCH, {"messages": MESSAGES, "top_k": 1}).status_code == 200
    names = ("user-agent", "cookie", "referer", "x-session-id", "traceparent", "authorization", "x-forwarded-for")
    headers = dict.fromkeys(names, f"{CANARY} {CANARY}") | {"x-request-id": f"{CANARY} is no id"}
    for path in (f"/{CANARY}", f"/v1/principles/{CANARY}", f"/v1/models/{CANARY}", f"/v1/principles?limit={CANARY}"):
        assert songs.ask(url, path, headers=headers).status_code in (400, 404)
    for method in ("DELETE", "PATCH", "OPTIONS"):
        assert songs.ask(url, f"{CHAT}?q={CANARY}", method=method, headers=headers).status_code == 405
    assert songs.ask(url, CHAT, GUIDED, headers={"origin": f"https://{CANARY}"}).status_code == 403
    songs.none(url)


def test_keys(serve: Serve, songs: Songs, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    held = key_with(file, "metrics")
    url = serve(key_file=file)
    assert songs.ask(url, CHAT, GUIDED, headers={"authorization": f"Bearer {CANARY}"}).status_code == 401
    assert songs.ask(url, CHAT, GUIDED, headers=held).status_code == 403
    songs.none(url, held)


def test_bodies_that_are_too_large_or_too_slow(serve: Serve, songs: Songs) -> None:
    url = serve(max_body_bytes=1024, body_s=0.2)
    assert songs.ask(url, CHAT, {**GUIDED, "more": CANARY * 200}).status_code == 413
    for declared in (b"content-length: 900", b"transfer-encoding: " + CANARY.encode()):
        head = b"POST %b HTTP/1.1\r\nhost: localhost\r\n%b\r\n\r\n" % (CHAT.encode(), declared)
        assert CANARY.encode() not in raw(url, head + CANARY.encode())
    songs.none(url)


def test_a_full_gateway(serve: Serve, script: Script, songs: Songs) -> None:
    url = serve(max_in_flight=1, max_queued=0)
    ready(url)
    script.held = "draft"
    with httpx.stream("POST", f"{url}{CHAT}", json={**GUIDED, "stream": True}, timeout=20):
        eventually(lambda: script.open_calls > 0)
        assert songs.ask(url, CHAT, GUIDED).status_code == 429
    eventually(lambda: value(url, "preceptor_cancelled_total", route=CHAT) == 1)
    songs.none(url)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("said", [SAID_BY_ENGINE, f"<html>{CANARY}", {"detail": [{"input": CANARY}]}])
@pytest.mark.parametrize("body", [GUIDED, {**GUIDED, "stream": True}, PLAIN, {**PLAIN, "stream": True}])
def test_an_engine_in_trouble(
    url: str, script: Script, songs: Songs, status: int, said: Any, body: dict[str, Any]
) -> None:
    script.refusal = (status, said)
    answer = songs.ask(url, CHAT, body)
    assert answer.status_code in (429, 500, 502, 503) or answer.text.endswith("data: [DONE]\n\n")
    songs.none(url)


@pytest.mark.parametrize("body", [GUIDED, PLAIN])
def test_what_an_engine_says_against_a_request_goes_to_its_client_alone(
    url: str, script: Script, songs: Songs, body: dict[str, Any]
) -> None:
    script.refusal = (400, SAID_BY_ENGINE)
    answer = httpx.post(f"{url}{CHAT}", json=body)
    assert (answer.status_code, answer.json()) == (400, SAID_BY_ENGINE)
    songs.none(url)


@pytest.mark.parametrize("garbage", [CANARY.encode(), orjson.dumps({"choices": CANARY}), orjson.dumps(SAID_BY_ENGINE)])
@pytest.mark.parametrize("step", ["draft", "rubric", "verdict", "edit", "check"])
@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"preceptor": {"strict": True}}])
def test_an_engine_that_sends_garbage(
    url: str, script: Script, songs: Songs, garbage: bytes, step: str, fields: dict[str, Any]
) -> None:
    ready(url)
    script.garbage = {step: garbage}
    songs.ask(url, CHAT, {**GUIDED, **fields})
    songs.none(url)


@pytest.mark.parametrize("body", [GUIDED, PLAIN, {**GUIDED, "preceptor": {"strict": True, "deadline_ms": 1}}])
def test_an_engine_that_breaks_off(url: str, script: Script, songs: Songs, body: dict[str, Any]) -> None:
    sing(script)
    script.break_after = 3
    songs.ask(url, CHAT, {**body, "stream": True})
    songs.none(url)


@pytest.mark.parametrize("body", [GUIDED, PLAIN])
def test_an_engine_that_is_away(serve: Serve, songs: Songs, body: dict[str, Any]) -> None:
    url = serve(engine_url=unused_url())
    assert songs.ask(url, CHAT, body).status_code == 503
    songs.none(url)


@pytest.mark.parametrize("body", [GUIDED, PLAIN])
def test_an_engine_that_keeps_silent(
    serve: Serve, script: Script, songs: Songs, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    monkeypatch.setattr("service.app.VLLMEngine", partial(VLLMEngine, retries=0))
    url = serve(engine_begin_s=0.3, engine_silence_s=0.3, engine_answer_s=0.6)
    script.held = "draft"
    assert songs.ask(url, CHAT, body).status_code == 504
    songs.none(url)


def test_a_fault_of_ours(retriever: Retriever, engine_base: str, script: Script, songs: Songs) -> None:
    failing = SlowRetriever(retriever, error=RuntimeError(f"cannot embed {CANARY}"))
    with gateway(failing, engine_base) as url:
        assert songs.ask(url, SEARCH, {"query": CANARY}).status_code == 500
        assert songs.ask(url, CHAT, GUIDED).headers["x-preceptor-reason"] == "retrieval_failed"
        songs.none(url)


@pytest.mark.parametrize("name", ["asyncio", "aiohttp.server", "onnxruntime"])
def test_other_libraries_are_not_quoted(songs: Songs, url: str, name: str) -> None:
    logging.getLogger(name).error("callback failed: %r", CANARY)
    logging.getLogger(name).error(f"Task exception was never retrieved\nfuture: ValueError({CANARY!r})")
    songs.none(url)


@pytest.fixture
def traced(serve: Serve) -> Iterator[tuple[str, Collector]]:
    """A gateway whose every span goes to a collector."""
    with collecting() as collector:
        url = serve(otlp_endpoint=collector.url)
        ready(url)
        yield url, collector


@pytest.mark.parametrize(
    "body",
    [
        GUIDED,
        {**GUIDED, "stream": True, "preceptor": {"stages": True, "trace": True}},
        {**GUIDED, "preceptor": {"rounds": 3}},
        {**GUIDED, "preceptor": {"principles": "none"}},
        PLAIN,
        {**PLAIN, "stream": True},
        {**GUIDED, "tools": [{"type": "function", "function": {"name": CANARY}}]},
    ],
)
def test_spans_of_answers(traced: tuple[str, Collector], script: Script, songs: Songs, body: dict[str, Any]) -> None:
    url, collector = traced
    sing(script)
    headers = {"x-request-id": CANARY, "traceparent": f"00-{CANARY}", "x-session-id": CANARY, "user-agent": CANARY}
    extra = dict.fromkeys(("user", "cache_salt", "my_field"), CANARY)
    assert CANARY in httpx.post(f"{url}{CHAT}", json={**body, **extra}, headers=headers, timeout=20).text
    songs.none_in_spans(collector, f"POST {CHAT}")


@pytest.mark.parametrize("step", ["draft", "rubric", "verdict", "edit", "check"])
def test_spans_of_garbage(traced: tuple[str, Collector], script: Script, songs: Songs, step: str) -> None:
    url, collector = traced
    odd = {"message": {"content": CANARY}, "finish_reason": CANARY, "index": 0}
    for garbage in (SAID_BY_ENGINE, {"choices": CANARY}, {"model": CANARY, "choices": [odd], "usage": CANARY}):
        script.garbage = {step: orjson.dumps(garbage)}
        httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
    httpx.get(f"{url}/v1/models")
    songs.none_in_spans(collector, "GET /v1/models")


def test_spans_of_failures(traced: tuple[str, Collector], script: Script, songs: Songs) -> None:
    url, collector = traced
    for path in (f"/{CANARY}", f"/v1/principles/{CANARY}", f"/v1/models/{CANARY}?q={CANARY}"):
        httpx.get(f"{url}{path}")
    httpx.post(f"{url}{SEARCH}", json={"query": CANARY})
    httpx.post(f"{url}{CHAT}", json={"model": CANARY, "messages": MESSAGES})
    httpx.post(f"{url}{CHAT}", content=b'{"model":"%b' % CANARY.encode())
    for status in (400, 429, 500):
        script.refusal = (status, SAID_BY_ENGINE)
        for body in (GUIDED, {**GUIDED, "stream": True}, PLAIN, {**PLAIN, "stream": True}):
            httpx.post(f"{url}{CHAT}", json=body, timeout=20)
    httpx.get(f"{url}/v1/models")
    songs.none_in_spans(collector, "GET /v1/models")
    assert len([span for span in collector.spans() if span.kind == "server"]) == 19


def sing(script: Script) -> None:
    script.draft, script.edit = DRAFT, EDIT
    script.rubric = [{"principle": 1, "criterion": f"Says to call an ambulance for {CANARY}", "points": 9}]


def ready(url: str) -> None:
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)


def raw(url: str, content: bytes) -> bytes:
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        connection.sendall(content)
        return connection.recv(65536)
