"""Spans on their way to a collector, in a thread of their own.

Invariant: a span is exported or counted as dropped, by a named reason; nothing here makes a request wait or fail, and
nothing but what is given says where spans go and what goes with them (the SDK would read OTEL_* and proxy variables).
"""

import logging
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

import certifi
import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

MAX_WAITING = 4096
BATCH = 512
EVERY_MS = 500.0
EXPORT_S = 5.0
CLOSE_S = 2.0
_SENT_HEADERS = frozenset({"content-type", "content-length", "user-agent", "accept", "accept-encoding", "connection"})
log = logging.getLogger("preceptor.tracing")


class Dropped(StrEnum):
    """Why a span never reached the collector."""

    QUEUE_FULL = "queue_full"
    EXPORT_FAILED = "export_failed"


class Counts(Protocol):
    """Hears what becomes of spans, in any thread."""

    def spans_exported(self, number: int) -> None:
        """The collector has taken them."""

    def spans_dropped(self, number: int, reason: str) -> None:
        """They are lost."""


class Outbox(SpanProcessor):
    """Takes ended spans and has them exported in batches to ``endpoint``, an OTLP/HTTP base URL.

    What waits is bounded here and not by the SDK's queue, which forgets its oldest spans without counting them.
    """

    def __init__(self, endpoint: str, counts: Counts) -> None:
        for name in ("opentelemetry", "urllib3"):  # they would tell every failure, once a batch; we tell of the first
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._counts = counts
        self._lock = threading.Lock()
        self._waiting = 0
        self._batches = BatchSpanProcessor(
            _Watched(_exporter(endpoint), counts, self._gone),
            max_queue_size=MAX_WAITING + BATCH,
            schedule_delay_millis=EVERY_MS,
            max_export_batch_size=BATCH,
            export_timeout_millis=EXPORT_S * 1000,
            meter_provider=NoOpMeterProvider(),
        )

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, or count it as dropped where too many wait."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            full = self._waiting >= MAX_WAITING
            self._waiting += not full
        if full:
            self._counts.spans_dropped(1, Dropped.QUEUE_FULL)
        else:
            self._batches.on_end(span)

    def shutdown(self) -> None:
        """Export what waits, for at most ``CLOSE_S`` seconds; the thread that is still at it ends with the process."""
        closing = threading.Thread(target=self._batches.shutdown, name="spans-closing", daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        if self._waiting:
            log.warning("%d spans were not exported before the end", self._waiting)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Export what waits now."""
        return self._batches.force_flush(timeout_millis)

    def _gone(self, number: int) -> None:
        with self._lock:
            self._waiting -= number


class _Watched(SpanExporter):
    """Counts what an exporter makes of its spans, and logs when it begins to fail and when it no longer does."""

    def __init__(self, exporter: SpanExporter, counts: Counts, gone: Any) -> None:
        self._exporter = exporter
        self._counts = counts
        self._gone = gone
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch, within ``EXPORT_S`` seconds."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._gone(len(spans))
            self._tell(len(spans), failed=result is not SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()

    def _tell(self, number: int, *, failed: bool) -> None:
        if failed:
            self._counts.spans_dropped(number, Dropped.EXPORT_FAILED)
        else:
            self._counts.spans_exported(number)
        if failed is not self._failing:
            self._failing = failed
            if failed:
                log.warning("the collector takes no spans; they are counted as dropped until it does")
            else:
                log.info("the collector takes spans again")


class _Session(requests.Session):
    """A session that takes nothing from the environment: no proxy, no .netrc, no header, no client certificate."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send with headers of ours alone. A redirect is a failure: spans go where they were told to."""
        for name in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
            del request.headers[name]
        answer = super().send(request, **{**kwargs, "cert": None})
        if answer.is_redirect:
            raise requests.TooManyRedirects("the collector redirects")
        return answer


def _exporter(endpoint: str) -> OTLPSpanExporter:
    """Everything is given, so that no variable is looked up in its place."""
    return OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces",
        certificate_file=certifi.where(),
        timeout=EXPORT_S,
        compression=Compression.NoCompression,
        session=_Session(),
        meter_provider=NoOpMeterProvider(),
    )
