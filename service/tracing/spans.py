"""The spans of a request: one for it, below it one for each step, below these one for each call to the engine.

Names and attributes follow OpenTelemetry's conventions for HTTP and for generative AI; ours begin with ``preceptor.``.
Invariant: values are numbers, configured names, or words of closed sets; no path, no message of an exception, no text.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Scope

from models.engine import EngineError, Usage
from service.errors import ClientLeft
from service.revision.failure import RevisionUnavailable, StageFailure
from service.revision.tracing import Fact, Operation
from service.tracing.outbox import Counts, Outbox

PROVIDER = "vllm"
CANCELLED = "cancelled"
OTHER = "_OTHER"
SERVER_ERROR = 500
ERROR = 400
_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "abort", "error"})
_PARENT = ("traceparent", "tracestate")
_LIMITS = SpanLimits(
    max_events=0,
    max_links=0,
    max_attributes=64,
    max_span_attributes=64,
    max_event_attributes=0,
    max_link_attributes=0,
    max_attribute_length=256,
    max_span_attribute_length=256,
)


class Tracing:
    """Traces one app. ``ratio`` is the share of traces kept where no client has decided; a client's word goes first."""

    def __init__(self, endpoint: str, ratio: float, version: str, counts: Counts) -> None:
        identity = {"service.name": "preceptor", "service.version": version, "service.instance.id": str(uuid.uuid4())}
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource(identity),  # Resource.create() would read variables
            shutdown_on_exit=False,
            id_generator=RandomIdGenerator(),
            span_limits=_LIMITS,
            meter_provider=NoOpMeterProvider(),
        )
        self._provider._disabled = False  # whatever OTEL_SDK_DISABLED says: the setting decides
        self._outbox = Outbox(endpoint, counts)
        self._provider.add_span_processor(self._outbox)
        self._tracer = self._provider.get_tracer("preceptor", version)
        self._propagator = TraceContextTextMapPropagator()
        self._open: ContextVar[Span] = ContextVar("preceptor_span", default=INVALID_SPAN)

    def request(self, scope: Scope) -> "RequestSpan":
        """Begin a request's span, in its client's trace where it says one that can be read, else in a new one."""
        attributes = {"url.scheme": str(scope["scheme"]), "network.protocol.version": str(scope["http_version"])}
        span = self._tracer.start_span("HTTP", self._told(Headers(scope=scope)), SpanKind.SERVER, attributes)
        return RequestSpan(span, self._open)

    def step(self, name: str) -> "StepSpan":
        """A span around a step of the loop."""
        return StepSpan(self._tracer.start_span(name, self._here()), self._open)

    def call(self, model: str, operation: Operation = "chat", *, stream: bool) -> "CallSpan":
        """A client's span around a call to the engine."""
        attributes: dict[str, str | bool] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": model,
            "gen_ai.request.stream": stream,
        }
        span = self._tracer.start_span(f"{operation} {model}", self._here(), SpanKind.CLIENT, attributes)
        return CallSpan(span, self._propagator)

    def flush(self) -> None:
        """Export what waits now."""
        self._outbox.force_flush()

    async def aclose(self) -> None:
        """Export what waits, within bounds, without holding up the event loop."""
        await asyncio.to_thread(self._outbox.shutdown)

    def _here(self) -> Context:
        return set_span_in_context(self._open.get(), Context())

    def _told(self, headers: Headers) -> Context:
        parents = headers.getlist("traceparent")
        carrier = {"tracestate": ",".join(headers.getlist("tracestate"))}
        if len(parents) == 1:
            carrier["traceparent"] = parents[0]
        return self._propagator.extract(carrier, Context())


class RequestSpan:
    """The span of one request, below which all others of it lie until it is ended."""

    def __init__(self, span: Span, place: ContextVar[Span]) -> None:
        self._span = span
        self._place = place
        self._token = place.set(span)

    @property
    def trace_id(self) -> str:
        """As logs write it: 32 hexadecimal digits."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def end(self, method: str, route: str, status: int | None, error: str | None, facts: Mapping[str, Fact]) -> None:
        """End it. ``status`` is None where no answer was begun; ``error`` is a word of a closed set."""
        span = self._span
        self._place.reset(self._token)
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        for name, fact in facts.items():
            span.set_attribute(f"preceptor.{name}", fact)
        if status is not None:
            span.set_attribute("http.response.status_code", status)
            if status >= SERVER_ERROR:
                error = error or str(status)
        if error is not None:
            refused = status is not None and ERROR <= status < SERVER_ERROR  # which is the client's error, not ours
            _mark(span, error, failed=not refused)
        span.end()


class StepSpan:
    """The span of one step."""

    def __init__(self, span: Span, place: ContextVar[Span]) -> None:
        self._span = span
        self._place = place

    def __enter__(self) -> "StepSpan":
        self._token = self._place.set(self._span)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._place.reset(self._token)
        if error is not None:
            _mark(self._span, error_type(error))
        self._span.end()

    def note(self, **facts: Fact) -> None:
        """Add facts."""
        for name, fact in facts.items():
            self._span.set_attribute(f"preceptor.{name}", fact)


class CallSpan:
    """The span of one call. It is nobody's surroundings, so that a generator may hold it open."""

    def __init__(self, span: Span, propagator: TraceContextTextMapPropagator) -> None:
        self._span = span
        self._propagator = propagator
        self._started = time.perf_counter()

    def __enter__(self) -> "CallSpan":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            _mark(self._span, error_type(error))
        if isinstance(error, EngineError):
            self._from(error.engine)
        self._span.end()

    def headers(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """``given`` with this span as the parent of what the engine does, in the place of the client's."""
        headers = {name: value for name, value in given.items() if name not in _PARENT}
        self._propagator.inject(headers, set_span_in_context(self._span, Context()))
        return headers

    def begun(self, engine: str) -> None:
        """Note the first piece of the answer."""
        self._from(engine)
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", time.perf_counter() - self._started)

    def answered(self, usage: Usage, finish_reason: str | None, attempts: int = 1) -> None:
        """Note what the call cost and how it ended."""
        span = self._span
        if usage != Usage():
            span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens)
        if finish_reason is not None:
            known = finish_reason if finish_reason in _FINISH_REASONS else OTHER
            span.set_attribute("gen_ai.response.finish_reasons", (known,))
        if attempts > 1:
            span.set_attribute("http.request.resend_count", attempts - 1)

    def replied(self, engine: str, status: int) -> None:
        """Note the status of a reply that is passed through."""
        self._from(engine)
        self._span.set_attribute("http.response.status_code", status)
        if status >= ERROR:
            _mark(self._span, str(status))

    def failed(self, error: str) -> None:
        """Note a failure; ``error`` is a word of a closed set."""
        _mark(self._span, error)

    def _from(self, engine: str) -> None:
        if engine:
            self._span.set_attribute("server.address", engine)


def error_type(error: BaseException) -> str:
    """What a span says of an exception: a name of ours, ``cancelled`` or ``_OTHER``; never its message."""
    if isinstance(error, StageFailure):
        return error.reason.value
    if isinstance(error, EngineError | RevisionUnavailable):
        return type(error).__name__
    return CANCELLED if isinstance(error, asyncio.CancelledError | GeneratorExit | ClientLeft) else OTHER


def _mark(span: Span, error: str, *, failed: bool = True) -> None:
    span.set_attribute("error.type", error)
    if failed and error != CANCELLED:
        span.set_status(StatusCode.ERROR)
