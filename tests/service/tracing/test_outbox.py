"""A collector that is away, slow, wrong or full of itself: requests do not notice, and every lost span is counted."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from principles.retrieve import Retriever
from service.app import create_app
from service.metrics import Metrics
from service.settings import Settings, SettingsError, load_settings
from service.tracing import outbox
from service.tracing.outbox import Outbox
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import REVISED, Script
from tests.service.api.serving import eventually, served, unused_url
from tests.service.api.test_ops import value
from tests.service.tracing.collector import Collector
from tests.service.tracing.test_spans import CHAT, GUIDED

ROOT = Path(__file__).parents[3]
SPANS_OF_A_REVISION = 12


def dropped(url: str, reason: str) -> float:
    return value(url, "preceptor_spans_dropped_total", reason=reason)


def ask(url: str) -> float:
    """Ask once, and return the seconds that it took."""
    started = time.monotonic()
    answer = httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
    assert answer.json()["choices"][0]["message"]["content"] == REVISED
    return time.monotonic() - started


def test_a_collector_that_is_away_is_counted_and_told_of_once(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        url = serve(otlp_endpoint=unused_url())
        ask(url)
        eventually(lambda: dropped(url, "export_failed") == SPANS_OF_A_REVISION)
        ask(url)
        eventually(lambda: dropped(url, "export_failed") == 2 * SPANS_OF_A_REVISION)
    names = ("preceptor.tracing", "opentelemetry", "urllib3")
    assert [record.getMessage() for record in caplog.records if record.name.startswith(names)] == [
        "the collector takes no spans; they are counted as dropped until it does"
    ]


@pytest.mark.parametrize(
    ("status", "answer", "location"),
    [(500, b"\x00garbage", ""), (400, b"<html>", ""), (307, b"", "http://127.0.0.1:9/elsewhere")],
)
def test_a_collector_that_answers_wrongly_has_taken_nothing(
    serve: Serve, collector: Collector, status: int, answer: bytes, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status, collector.answer, collector.location = status, answer, location
    url = serve(otlp_endpoint=collector.url)
    ask(url)
    eventually(lambda: dropped(url, "export_failed") == SPANS_OF_A_REVISION)
    collector.status, collector.location = 200, ""
    with caplog.at_level(logging.INFO, "preceptor.tracing"):
        ask(url)
        eventually(lambda: value(url, "preceptor_spans_exported_total") == SPANS_OF_A_REVISION)
    assert "the collector takes spans again" in caplog.messages


def test_a_slow_collector_holds_up_nobody_but_its_own_thread(
    serve: Serve, collector: Collector, script: Script
) -> None:
    collector.delay_s = 30.0
    url = serve(otlp_endpoint=collector.url)
    ask(url)
    eventually(lambda: collector.delay_s == 30.0)
    assert max(ask(url) for _ in range(5)) < outbox.EXPORT_S / 2  # each would take as long as an export, if it waited


@pytest.fixture
def counts() -> Metrics:
    return Metrics()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 10)
    monkeypatch.setattr(outbox, "BATCH", 4)
    monkeypatch.setattr(outbox, "CLOSE_S", 0.2)


def counted(counts: Metrics) -> dict[str, float]:
    lines = [line for line in counts.render().decode().splitlines() if line.startswith("preceptor_spans_")]
    return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in lines) if "_created" not in name}


@pytest.mark.usefixtures("small")
def test_what_does_not_fit_is_dropped_and_the_end_does_not_wait(
    collector: Collector, counts: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    collector.delay_s = 30.0
    box = Outbox(collector.url, counts)
    tracer = traced(box)
    for _ in range(25):
        tracer.start_span("x").end()
    assert counted(counts)['preceptor_spans_dropped_total{reason="queue_full"}'] == 15
    started = time.monotonic()
    box.shutdown()
    assert time.monotonic() - started < 2.0
    assert "10 spans were not exported before the end" in caplog.messages


@pytest.mark.usefixtures("small")
def test_what_waits_is_exported_before_the_end(collector: Collector, counts: Metrics) -> None:
    box = Outbox(f"{collector.url}/", counts)
    tracer = traced(box)
    for _ in range(9):
        tracer.start_span("x").end()
    box.shutdown()
    assert [span.name for span in collector.spans()] == ["x"] * 9
    assert counted(counts)["preceptor_spans_exported_total"] == 9
    assert set(collector.paths) == {"/v1/traces"}


def traced(box: Outbox) -> Any:
    provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(box)
    return provider.get_tracer("test")


HOSTILE = {
    "OTEL_SDK_DISABLED": "true",
    "OTEL_TRACES_SAMPLER": "always_off",
    "OTEL_SERVICE_NAME": "elsewhere",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=elsewhere,key=secret",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret,x-key=secret",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "0.000001",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/nowhere",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/nowhere",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "none",
    "OTEL_PYTHON_METER_PROVIDER": "none",
    "OTEL_PYTHON_TRACER_PROVIDER": "none",
    "OTEL_PROPAGATORS": "none",
    "OTEL_BSP_MAX_QUEUE_SIZE": "1",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "REQUESTS_CA_BUNDLE": "/nowhere",
}
TRACE_ONCE = """
import asyncio, sys
from service.metrics import Metrics
from service.tracing.spans import Tracing

async def main():
    tracing = Tracing(sys.argv[1], 1.0, "1.2.3", Metrics())
    scope = {"type": "http", "scheme": "http", "http_version": "1.1", "headers": []}
    span = tracing.request(scope)
    span.end("GET", "/v1/models", 200, None, {"outcome": "accepted"})
    await tracing.aclose()

asyncio.run(main())
"""


def in_a_process(code: str, *words: str, **variables: str) -> str:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_no_variable_of_the_environment_has_a_say(collector: Collector) -> None:
    in_a_process(TRACE_ONCE, collector.url, **HOSTILE)
    span = collector.one("GET /v1/models")
    assert (span.resource["service.name"], span.resource["service.version"]) == ("preceptor", "1.2.3")
    assert "key" not in span.resource
    assert span.attributes["preceptor.outcome"] == "accepted"
    (headers,) = collector.headers
    assert headers["content-type"] == "application/x-protobuf"
    assert "secret" not in str(headers)
    assert "content-encoding" not in headers


HEAVY = ["google.protobuf", "opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.sdk", "requests"]
APP = """
import json, sys
from service.app import create_app
from service.settings import load_settings
create_app(load_settings(environ={**ENDPOINT}))
import service.cli, service.server
heavy = {"opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf", "requests"}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""


@pytest.mark.parametrize(
    ("endpoint", "loaded"),
    [({}, []), ({"PRECEPTOR_OTLP_ENDPOINT": "http://127.0.0.1:9"}, HEAVY)],
)
def test_nothing_of_it_is_imported_unless_it_is_on(endpoint: dict[str, str], loaded: list[str]) -> None:
    assert json.loads(in_a_process(APP.replace("{**ENDPOINT}", repr(endpoint)))) == loaded


def test_the_frameworks_own_telemetry_stays_off(
    retriever: Retriever, engine_base: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    app = create_app(Settings(engine_url=(engine_base,)), retriever=retriever)
    with served(app, lifespan="on") as url:
        ask(url)
        assert httpx.post(f"{url}{CHAT}", json={"model": []}).status_code == 400
    assert collector.bodies == []


@pytest.mark.parametrize(
    "wrong", ["collector:4318", "grpc://a", "http://", "http://u:p@a", "http://a/?x=1", "http://a/#x"]
)
def test_a_collector_that_cannot_be_reached_by_its_url_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="otlp_endpoint: "):
        load_settings({"otlp_endpoint": wrong}, environ={})


def test_as_it_comes_nothing_is_traced_and_then_everything() -> None:
    assert (Settings().otlp_endpoint, Settings().trace_ratio) == (None, 1.0)
