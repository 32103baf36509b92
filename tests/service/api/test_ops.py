"""Models, health, metrics, admission: what operators and orchestrators see."""

import concurrent.futures
import time

import httpx
import pytest
from openai import OpenAI
from prometheus_client.parser import text_string_to_metric_families

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually, unused_url

BODY = {"model": "preceptor", "messages": [{"role": "user", "content": "My chest hurts."}]}


def samples(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(url: str, name: str, **labels: str) -> float:
    return samples(url).get((name, frozenset(labels.items())), 0.0)


def test_both_models_are_listed(url: str) -> None:
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        assert [model.id for model in client.models.list()] == ["preceptor", ENGINE_MODEL]


def test_a_model_can_be_read_by_its_name(url: str) -> None:
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        assert client.models.retrieve("preceptor").owned_by == "preceptor"
        assert client.models.retrieve(ENGINE_MODEL).id == ENGINE_MODEL
    assert httpx.get(f"{url}/v1/models/acme/none").json()["error"]["code"] == "model_not_found"


def test_a_gateway_without_an_engine_lives_but_is_not_ready(serve: Serve) -> None:
    url = serve(engine_url=unused_url())
    assert httpx.get(f"{url}/healthz").status_code == 200
    response = httpx.get(f"{url}/readyz", timeout=20)
    assert (response.status_code, response.json()["engine"]) == (503, False)
    models = httpx.get(f"{url}/v1/models", timeout=20).json()["data"]
    assert [model["id"] for model in models] == ["preceptor"]


def test_a_gateway_with_an_engine_is_ready(url: str) -> None:
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    assert httpx.get(f"{url}/readyz").json()["model"] == ENGINE_MODEL


def test_a_named_engine_model_is_not_asked_for(serve: Serve) -> None:
    url = serve(engine_model="named-by-hand")
    assert httpx.get(f"{url}/v1/models").json()["data"][1]["id"] == "named-by-hand"


def test_a_request_is_counted_by_outcome_step_and_verdict(serve: Serve) -> None:
    url = serve()
    httpx.post(f"{url}/v1/chat/completions", json=BODY)
    httpx.post(f"{url}/v1/chat/completions", json={**BODY, "n": 2})
    found = {
        "revised": value(url, "preceptor_outcomes_total", outcome="revised"),
        "bypassed": value(url, "preceptor_outcomes_total", outcome="bypassed"),
        "degraded": value(url, "preceptor_outcomes_total", outcome="degraded"),
        "n": value(url, "preceptor_bypasses_total", reason="n"),
        "unmet": value(url, "preceptor_verdicts_total", subject="draft", verdict="unmet"),
        "met": value(url, "preceptor_verdicts_total", subject="revision", verdict="met"),
        "applied": value(url, "preceptor_edits_total", result="applied", reason="none"),
        "cached": value(url, "preceptor_cached_tokens_total", step="edit"),
        "prompt": value(url, "preceptor_prompt_tokens_total", step="edit"),
    }
    counted = {"revised": 1, "bypassed": 1, "degraded": 0, "n": 1, "unmet": 1, "met": 1, "applied": 1}
    assert found == counted | {"cached": 80, "prompt": 100}


def test_times_are_measured_in_seconds(serve: Serve, script: Script) -> None:
    script.first_token_s = 0.3
    url = serve()
    httpx.post(f"{url}/v1/chat/completions", json={**BODY, "stream": True})
    route = "/v1/chat/completions"
    eventually(lambda: value(url, "preceptor_request_duration_seconds_count", route=route) == 1)
    total = value(url, "preceptor_request_duration_seconds_sum", route=route)
    overhead = value(url, "preceptor_overhead_seconds_sum", route=route)
    assert 0.3 <= total < 30
    assert 0 < overhead < total - 0.25
    assert value(url, "preceptor_time_to_first_answer_seconds_count") == 1
    assert value(url, "preceptor_stage_duration_seconds_sum", stage="draft") >= 0.3
    assert (
        "preceptor_request_duration_seconds_bucket",
        frozenset({"route": route, "le": "7680.0"}.items()),
    ) in samples(url)


def test_every_label_is_a_word_and_every_name_is_ours(url: str) -> None:
    httpx.get(f"{url}/v1/principles/urgency.some-id-of-mine")
    httpx.get(f"{url}/nowhere/secret")
    text = httpx.get(f"{url}/metrics").text
    assert "some-id-of-mine" not in text
    assert "secret" not in text
    names = {name for name, _ in samples(url)}
    assert all(name.startswith(("preceptor_", "process_")) for name in names)


def test_a_full_gateway_says_so_early(serve: Serve, script: Script) -> None:
    script.first_token_s = 1.0
    url = serve(max_in_flight=1, max_queued=0, retry_after_s=3)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(httpx.post, f"{url}/v1/chat/completions", json=BODY, timeout=20)
        eventually(lambda: script.open_calls > 0)
        started = time.monotonic()
        second = httpx.post(f"{url}/v1/chat/completions", json=BODY)
        assert time.monotonic() - started < 0.9
        assert (second.status_code, second.headers["retry-after"]) == (429, "3")
        assert second.json()["error"]["code"] == "busy"
        assert first.result().status_code == 200
    assert httpx.post(f"{url}/v1/chat/completions", json=BODY).status_code == 200
    assert value(url, "preceptor_refused_total", reason="busy") == 1
    assert value(url, "preceptor_refusal_duration_seconds_count", reason="busy") == 1


def test_the_tasks_of_the_event_loop_are_counted_while_a_request_is_served(serve: Serve, script: Script) -> None:
    script.first_token_s = 2.0
    url = serve()
    eventually(lambda: value(url, "preceptor_event_loop_tasks") > 0)
    idle = value(url, "preceptor_event_loop_tasks")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.post, f"{url}/v1/chat/completions", json=BODY, timeout=20)
        eventually(lambda: value(url, "preceptor_event_loop_tasks") > idle)
        assert asked.result().status_code == 200


def test_a_watch_that_fails_is_counted_and_the_gateway_goes_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("service.app._watch_loop", fails)
    url = serve()
    eventually(lambda: value(url, "preceptor_watch_failures_total", watch="event_loop") >= 1)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    assert value(url, "preceptor_watch_failures_total", watch="binding") == 0


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("Bearer right", 200), ("bearer right", 200), ("Bearer wrong", 401), ("Basic right", 401), (None, 401)],
)
def test_an_api_key_is_asked_for_when_configured(serve: Serve, authorization: str | None, status: int) -> None:
    url = serve(api_keys="right")
    headers = {"authorization": authorization} if authorization else {}
    response = httpx.get(f"{url}/v1/models", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["code"] == "invalid_api_key"
        assert response.headers["x-request-id"].startswith("req-")
    assert httpx.get(f"{url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/v1/nothing", 404, "not_found"), ("DELETE", "/v1/models", 405, "method_not_allowed")],
)
def test_unknown_paths_and_methods_get_error_objects_too(
    url: str, method: str, path: str, status: int, code: str
) -> None:
    response = httpx.request(method, f"{url}{path}")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
