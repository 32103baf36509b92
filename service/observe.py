"""One record per request, and what becomes of it: the request id, the counters, the access line.

Invariant: a record belongs to one request and is filled by its route; every request is counted once, however it ends.
"""

import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.limits import NO_LIMITS, ClientLimits
from service.meter import Meter
from service.metrics import Metrics
from service.revision.trace import Trace

if TYPE_CHECKING:
    from service.tracing.spans import RequestSpan, Tracing

REQUEST_ID = "x-request-id"
OUTCOME = "x-preceptor-outcome"
REASON = "x-preceptor-reason"
OVERHEAD = "x-preceptor-overhead-ms"
_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_PASSED_ON = ("traceparent", "tracestate", "x-session-id", "x-data-parallel-rank")
_KEY = "preceptor.record"
CLIENT_LEFT_STATUS = 499  # nobody reads it but the counters; nginx's number
log = logging.getLogger("preceptor.access")


@dataclass(slots=True)
class Record:
    """What is known of one request while it is served. ``waiting_ms`` is the time with an engine call open.

    ``route`` is what it is counted under if it never comes to a route; ``client`` is whose API key came with it,
    and ``limits`` what that client may have; ``tenant`` is the client whose stored data it may see, None where it may
    see everybody's; ``meter`` counts what the request costs.
    ``admitted`` is when its body was read and it had a slot; what came before was the client's time, or the queue's.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    arrived: float = field(default_factory=time.monotonic)
    route: str = "unmatched"
    client: str | None = None
    limits: ClientLimits = NO_LIMITS
    meter: Meter = field(default_factory=Meter)
    tenant: str | None = None
    admitted: float | None = None
    waiting_ms: float | None = None
    first_byte_ms: float | None = None
    first_reasoning_ms: float | None = None
    first_answer_ms: float | None = None
    outcome: str | None = None
    reason: str | None = None
    error: str | None = None
    cancelled: bool = False
    engine_calls: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    span: "RequestSpan | None" = None

    @property
    def elapsed_ms(self) -> float:
        """Time since the request arrived."""
        return (time.perf_counter() - self.started) * 1000

    @property
    def overhead_ms(self) -> float | None:
        """Time since admission that was not spent waiting for the engine; None where nothing waited."""
        if self.waiting_ms is None:
            return None
        since = self.started if self.admitted is None else self.admitted
        return max(0.0, (time.perf_counter() - since) * 1000 - self.waiting_ms)

    def answer_started(self) -> None:
        """Note the first piece of the answer."""
        if self.first_answer_ms is None:
            self.first_answer_ms = self.elapsed_ms

    def reasoning_started(self) -> None:
        """Note the first piece of the stages."""
        if self.first_reasoning_ms is None:
            self.first_reasoning_ms = self.elapsed_ms

    def client_left(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.cancelled = True

    def finished(self, trace: Trace) -> None:
        """Take over what the access line says of a finished loop."""
        self.outcome, self.reason = trace.outcome.value, trace.reason
        self.waiting_ms = trace.timings_ms.get("waiting", 0.0)
        self.engine_calls = len(trace.usage)
        self.prompt_tokens = sum(step.prompt_tokens for step in trace.usage)
        self.completion_tokens = sum(step.completion_tokens for step in trace.usage)

    def headers(self) -> dict[str, str]:
        """The response headers that tell of the loop."""
        found = {OUTCOME: self.outcome, REASON: self.reason}
        if self.overhead_ms is not None:
            found[OVERHEAD] = f"{self.overhead_ms:.2f}"
        return {name: value for name, value in found.items() if value}


def record_of(connection: HTTPConnection) -> Record:
    """The record of the request being served."""
    return record_in(connection.scope)


def record_in(scope: Scope) -> Record:
    """The record of the request of this scope."""
    record = scope[_KEY]
    assert isinstance(record, Record)
    return record


def engine_headers(connection: HTTPConnection) -> dict[str, str]:
    """What goes along with every engine call of a request: its id, and where a trace or a session continues."""
    passed = {name: connection.headers[name] for name in _PASSED_ON if name in connection.headers}
    return {**passed, REQUEST_ID: record_of(connection).request_id}


def sane_request_id(offered: str | None) -> str:
    """Take the client's request id where it is short and plain, else make one."""
    return offered if offered and _SANE_ID.fullmatch(offered) else f"req-{uuid.uuid4().hex}"


class Observe:
    """Middleware: gives every request its record, echoes its id, counts it, writes the access line and traces it.

    What only machines ask (probes, metrics) is not traced.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: "Tracing | None" = None) -> None:
        self.app = app
        self.metrics = metrics
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = scope[_KEY] = Record(sane_request_id(Headers(scope=scope).get(REQUEST_ID)))
        if self.tracing is not None and scope["path"] not in _QUIET:
            record.span = self.tracing.request(scope)
        status = CLIENT_LEFT_STATUS

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                record.first_byte_ms = record.elapsed_ms
                MutableHeaders(scope=message)[REQUEST_ID] = record.request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            status = 500
            raise
        finally:
            self._count(scope, record, status)

    def _count(self, scope: Scope, record: Record, status: int) -> None:
        route = getattr(scope.get("route"), "path", record.route)
        metrics, overhead_ms = self.metrics, record.overhead_ms
        metrics.requests.labels(route, _method(scope), str(status)).inc()
        metrics.duration.labels(route).observe(record.elapsed_ms / 1000)
        if overhead_ms is not None and not record.cancelled:
            metrics.overhead.labels(route).observe(overhead_ms / 1000)
        if record.first_byte_ms is not None:
            metrics.first_byte.labels(route).observe(record.first_byte_ms / 1000)
        if record.first_reasoning_ms is not None:
            metrics.first_reasoning.observe(record.first_reasoning_ms / 1000)
        if record.first_answer_ms is not None:
            metrics.first_answer.observe(record.first_answer_ms / 1000)
        if record.cancelled:
            metrics.cancelled.labels(route).inc()
        if record.error is not None:
            metrics.failures.labels(record.error).inc()
        if record.span is not None:
            _end_span(record.span, _method(scope), record, route, status)
        level = logging.DEBUG if route in _QUIET else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "cancelled" if record.cancelled else "served", extra=_line(scope, record, route, status))


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"


def _end_span(span: "RequestSpan", method: str, record: Record, route: str, status: int) -> None:
    facts = {"outcome": record.outcome, "reason": record.reason, "overhead_ms": record.overhead_ms}
    left = record.cancelled or status == CLIENT_LEFT_STATUS
    span.end(
        "_OTHER" if method == "other" else method,
        route,
        None if status == CLIENT_LEFT_STATUS else status,
        "cancelled" if left else record.error,
        {name: fact for name, fact in facts.items() if fact is not None},
    )


def _line(scope: Scope, record: Record, route: str, status: int) -> dict[str, object]:
    overhead_ms = record.overhead_ms
    return {
        "request_id": record.request_id,
        "method": _method(scope),
        "route": route,
        "client": record.client,
        "status": status,
        "outcome": record.outcome,
        "reason": record.reason,
        "error": record.error,
        "duration_ms": round(record.elapsed_ms, 2),
        "overhead_ms": None if overhead_ms is None else round(overhead_ms, 2),
        "engine_calls": record.engine_calls,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "trace_id": record.span.trace_id if record.span is not None else None,
    }
