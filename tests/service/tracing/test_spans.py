"""What a collector is told of a request, over real HTTP on both sides."""

import itertools
import re
from typing import Any

import httpx
import pytest

from service.cli import installed_version
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, REVISED, Script
from tests.service.api.serving import eventually, unused_url
from tests.service.api.test_ops import value
from tests.service.tracing.collector import Collector, Told

CHAT, REVISIONS = "/v1/chat/completions", "/v1/revisions"
MESSAGES = [{"role": "user", "content": "My chest hurts. What now?"}]
GUIDED: dict[str, Any] = {"model": "preceptor", "messages": MESSAGES}
PLAIN: dict[str, Any] = {"model": ENGINE_MODEL, "messages": MESSAGES}
STEPS = ["draft", "edit", "retrieve", "rubric", "verdict"]
CALL = f"chat {ENGINE_MODEL}"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def url(serve: Serve, collector: Collector, engine_base: str) -> str:
    started = serve(otlp_endpoint=collector.url, engine_url=f"left={engine_base}", open_after_s=1.0)
    eventually(lambda: httpx.get(f"{started}/readyz").status_code == 200)
    return started


def request_span(collector: Collector, name: str = f"POST {CHAT}") -> Told:
    """The request's own span, which ends last; spans are exported every second."""
    eventually(lambda: bool(collector.named(name)))
    return collector.one(name)


def below(collector: Collector, parent: Told) -> list[Told]:
    return [span for span in collector.spans() if span.parent == parent.id]


@pytest.mark.parametrize("stream", [False, True])
def test_a_guided_request_is_a_tree_of_steps_and_calls(
    url: str, collector: Collector, script: Script, stream: bool
) -> None:
    assert httpx.post(f"{url}{CHAT}", json={**GUIDED, "stream": stream}).status_code == 200
    root = request_span(collector)
    assert (root.kind, root.parent, root.error) == ("server", "", False)
    assert {
        "http.request.method": "POST",
        "http.route": CHAT,
        "http.response.status_code": 200,
        "url.scheme": "http",
        "preceptor.outcome": "revised",
    }.items() <= root.attributes.items()
    steps = below(collector, root)
    assert sorted(step.name for step in steps) == STEPS
    (edit,) = (step for step in steps if step.name == "edit")
    assert edit.attributes == {"preceptor.criterion": 0, "preceptor.edit": "applied"}
    assert sorted(span.name for span in below(collector, edit)) == [CALL, "check"]
    assert collector.one("check").attributes == {"preceptor.criterion": 0, "preceptor.verdict": "met"}
    assert collector.one("verdict").attributes == {"preceptor.criterion": 0, "preceptor.verdict": "unmet"}
    assert collector.one("rubric").attributes == {"preceptor.criteria": 1}
    assert set(collector.one("retrieve").attributes) == {
        f"preceptor.{name}" for name in ("principles", "embed_ms", "search_ms")
    }
    for step in [*steps, collector.one("check")]:
        calls = [span for span in below(collector, step) if span.kind == "client"]
        assert len(calls) == (step.name != "retrieve")
        assert all(step.began <= call.began <= call.ended <= step.ended for call in calls)
    assert {span.trace for span in collector.spans()} == {root.trace}


def test_a_call_is_told_by_the_conventions_for_generative_ai(url: str, collector: Collector) -> None:
    httpx.post(f"{url}{CHAT}", json=GUIDED)
    request_span(collector)
    (call,) = below(collector, collector.one("verdict"))
    first_chunk_s = call.attributes["gen_ai.response.time_to_first_chunk"]
    assert 0 < first_chunk_s <= (call.ended - call.began) / 1e9
    assert {**call.attributes, "gen_ai.response.time_to_first_chunk": None} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": ENGINE_MODEL,
        "gen_ai.request.stream": False,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": None,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 1,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "server.address": "left",
    }


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
def test_a_call_that_is_passed_through_has_its_span(url: str, collector: Collector, path: str, stream: bool) -> None:
    httpx.post(f"{url}{path}", json={**PLAIN, "prompt": "x", "stream": stream})
    root = request_span(collector, f"POST {path}")
    assert root.attributes["preceptor.reason"] == "engine_model"
    (call,) = below(collector, root)
    operation = "chat" if path == CHAT else "text_completion"
    assert (call.name, call.kind, call.error) == (f"{operation} {ENGINE_MODEL}", "client", False)
    assert (call.attributes["server.address"], call.attributes["http.response.status_code"]) == ("left", 200)
    assert call.ended > call.began


def test_the_resource_says_who_it_is(url: str, collector: Collector) -> None:
    httpx.get(f"{url}/v1/models")
    resource = request_span(collector, "GET /v1/models").resource
    assert (resource["service.name"], resource["service.version"]) == ("preceptor", installed_version())
    assert set(resource) == {"service.name", "service.version", "service.instance.id"}


@pytest.mark.parametrize("body", [GUIDED, {**GUIDED, "stream": True}, PLAIN, {**PLAIN, "stream": True}])
def test_a_clients_trace_goes_on_through_us_to_the_engine(
    url: str, collector: Collector, script: Script, body: dict[str, Any]
) -> None:
    httpx.post(f"{url}{CHAT}", json=body, headers={"traceparent": PARENT, "tracestate": "ward=7"})
    root = request_span(collector)
    assert (root.trace, root.parent, root.state) == (TRACE, SPAN, "ward=7")
    calls = {span.id for span in collector.spans() if span.kind == "client"}
    sent = [headers["traceparent"].split("-") for headers in script.headers if "traceparent" in headers]
    assert {trace for _, trace, _, _ in sent} == {TRACE}
    assert {span for _, _, span, _ in sent} == calls
    assert len(sent) == len(calls)
    assert {headers["tracestate"] for headers in script.headers if "traceparent" in headers} == {"ward=7"}


@pytest.mark.parametrize(
    "parent", ["00-1", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE.upper()}-{SPAN}-01-x", "ä"]
)
def test_a_malformed_parent_begins_a_new_trace(url: str, collector: Collector, script: Script, parent: str) -> None:
    headers = {b"traceparent": parent.encode(), b"tracestate": b"ward=7"}
    assert httpx.post(f"{url}{CHAT}", json=GUIDED, headers=headers).status_code == 200
    root = request_span(collector)
    assert (root.parent, root.state) == ("", "")
    assert root.trace not in (TRACE, "0" * 32)
    sent = [headers for headers in script.headers if "x-request-id" in headers]
    assert {headers["traceparent"].split("-")[1] for headers in sent} == {root.trace}
    assert not [headers for headers in sent if "tracestate" in headers]


def test_two_parents_are_none(url: str, collector: Collector) -> None:
    httpx.get(f"{url}/v1/models", headers=[("traceparent", PARENT), ("traceparent", PARENT)])
    assert request_span(collector, "GET /v1/models").parent == ""


@pytest.mark.parametrize(("flags", "kept"), [("00", False), ("01", True)])
def test_a_clients_word_on_sampling_goes_before_ours(
    serve: Serve, collector: Collector, script: Script, flags: str, kept: bool
) -> None:
    url = serve(otlp_endpoint=collector.url, trace_ratio=0.0 if kept else 1.0)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
    assert httpx.post(f"{url}{CHAT}", json=GUIDED, headers=headers).status_code == 200
    assert httpx.get(f"{url}/v1/models").status_code == 200
    name = f"POST {CHAT}" if kept else "GET /v1/models"
    request_span(collector, name)
    assert [span.name for span in collector.spans() if span.kind == "server"] == [name]
    sent = [headers["traceparent"] for headers in script.headers if "traceparent" in headers]
    assert len(set(sent)) == 5
    assert all(re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-{flags}", parent) for parent in sent)
    assert not [parent for parent in sent if SPAN in parent]


def test_without_tracing_a_clients_headers_are_handed_on_as_they_came(serve: Serve, script: Script) -> None:
    url = serve()
    headers = {"traceparent": "00-1", "tracestate": "ward=7"}
    httpx.post(f"{url}{CHAT}", json=GUIDED, headers=headers)
    sent = [(headers["traceparent"], headers["tracestate"]) for headers in script.headers if "traceparent" in headers]
    assert sent == [("00-1", "ward=7")] * 5


def test_steps_of_requests_that_cross_are_not_mixed_up(url: str, collector: Collector) -> None:
    with httpx.Client(base_url=url) as one, httpx.Client(base_url=url) as other:
        bodies = {**GUIDED, "stream": True}
        with one.stream("POST", CHAT, json=bodies) as first, other.stream("POST", CHAT, json=bodies) as second:
            for _ in itertools.zip_longest(first.iter_raw(), second.iter_raw()):
                pass
    eventually(lambda: len(collector.named(f"POST {CHAT}")) == 2)
    for root in collector.named(f"POST {CHAT}"):
        assert sorted(span.name for span in below(collector, root)) == [
            "draft",
            "edit",
            "retrieve",
            "rubric",
            "verdict",
        ]
    assert len(collector.spans()) == 2 * 12


@pytest.mark.parametrize("body", [GUIDED, PLAIN])
@pytest.mark.parametrize(("status", "error"), [(503, "EngineUnavailable"), (400, "EngineRefused")])
def test_a_call_that_fails_says_so_by_a_word_of_ours(
    url: str, collector: Collector, script: Script, body: dict[str, Any], status: int, error: str
) -> None:
    script.refusal = (status, {"error": {"message": "secret", "type": "secret", "code": "secret", "param": None}})
    httpx.post(f"{url}{CHAT}", json=body, timeout=20)
    root = request_span(collector)
    assert root.error is (status == 503)
    failed = [span for span in collector.named(CALL) if span.error]
    assert {span.attributes["error.type"] for span in failed} == {error if body is GUIDED else str(status)}
    assert {span.attributes["server.address"] for span in failed} == {"left"}
    assert b"secret" not in b"".join(collector.bodies)


def test_a_step_that_fails_says_why(url: str, collector: Collector, script: Script) -> None:
    script.garbage = {"rubric": b'{"choices": "secret"}'}
    httpx.post(f"{url}{CHAT}", json=GUIDED)
    root = request_span(collector)
    assert root.attributes["preceptor.outcome"] == "degraded"
    assert root.attributes["preceptor.reason"] == "rubric_failed"
    step = collector.one("rubric")
    assert (step.attributes, step.error) == ({"error.type": "EngineUnavailable"}, True)


def test_an_engine_that_is_away_is_named(serve: Serve, collector: Collector) -> None:
    url = serve(otlp_endpoint=collector.url, engine_url=unused_url())
    assert httpx.post(f"{url}{CHAT}", json=GUIDED).status_code == 503
    root = request_span(collector)
    assert (root.error, root.attributes["http.response.status_code"]) == (True, 503)
    assert root.attributes["error.type"] == "EngineUnavailable"


@pytest.mark.parametrize("body", [{**GUIDED, "stream": True}, {**PLAIN, "stream": True}, GUIDED, PLAIN])
def test_a_client_that_leaves_is_no_error(url: str, collector: Collector, script: Script, body: dict[str, Any]) -> None:
    script.held = "draft"
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}{CHAT}", json=body, timeout=0.5)
    root = request_span(collector)
    assert (root.error, root.attributes["error.type"]) == (False, "cancelled")
    call = next(span for span in collector.named(CALL) if "error.type" in span.attributes)
    assert (call.error, call.attributes["error.type"]) == (False, "cancelled")


def test_probes_and_scrapes_are_not_traced(url: str, collector: Collector) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/v1/models"):
        httpx.get(f"{url}{path}")
    request_span(collector, "GET /v1/models")
    assert [span.name for span in collector.spans()] == ["GET /v1/models"]


def test_a_path_that_is_nothing_is_not_told(url: str, collector: Collector) -> None:
    assert httpx.request("PURGE", f"{url}/secret/pot?of=secret").status_code in (404, 405)
    root = request_span(collector, "_OTHER unmatched")
    assert (root.attributes["http.request.method"], root.attributes["http.route"]) == ("_OTHER", "unmatched")
    assert b"secret" not in b"".join(collector.bodies)


def test_what_is_exported_is_counted(url: str, collector: Collector) -> None:
    httpx.post(f"{url}{REVISIONS}", json={"messages": MESSAGES, "draft": REVISED})
    request_span(collector, f"POST {REVISIONS}")
    eventually(lambda: value(url, "preceptor_spans_exported_total") == len(collector.spans()))
