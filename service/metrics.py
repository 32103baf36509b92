"""What Prometheus sees of the gateway, in a registry of its own.

Invariant: every label comes from a closed set, never from an id or a text; times are in seconds.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from models.pool.breaker import BreakerState
from models.pool.health import State
from models.pool.moves import Move
from models.pool.observer import Ended, Hedge
from service.feedback.series import FeedbackSeries
from service.keys import Reload
from service.revision.trace import Outcome, StepUsage, Trace

# vLLM's buckets of vllm:e2e_request_latency_seconds, so that both can be laid over each other.
E2E_BUCKETS_SECONDS = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip
SHORT_BUCKETS_SECONDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0,
)  # fmt: skip
STAGE_BUCKETS_SECONDS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, *E2E_BUCKETS_SECONDS)
RATIO_BUCKETS = tuple(tenth / 10 for tenth in range(1, 11))
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class EngineSeries:
    """What a pool of engines tells of itself; engines go by their configured names, or their places in the list."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ready: set[str] = set()
        self.count = Gauge("preceptor_engines_ready", "Engines that calls may be sent to.", registry=registry)
        self.health = Gauge(
            "preceptor_engine_health", "1 for what the checks of an engine say.", ("engine", "state"), registry=registry
        )
        self.breaker = Gauge(
            "preceptor_engine_breaker", "1 for the state of an engine's circuit breaker.", ("engine", "state"),
            registry=registry,
        )  # fmt: skip
        self.open_calls = Gauge("preceptor_engine_open_calls", "Calls open now.", ("engine",), registry=registry)
        self.requests = Counter(
            "preceptor_engine_requests_total", "Calls ended.", ("engine", "result"), registry=registry
        )
        self.moves = Counter(
            "preceptor_engine_moves_total", "Calls sent to another engine than their conversation's.", ("reason",),
            registry=registry,
        )  # fmt: skip
        self.hedges = Counter(
            "preceptor_engine_hedges_total", "Verdicts that were slow, by what became of a second call.", ("result",),
            registry=registry,
        )  # fmt: skip
        self.last_resorts = Counter(
            "preceptor_engine_last_resorts_total", "Calls sent although every engine should have been left alone.",
            registry=registry,
        )  # fmt: skip
        for reason in Move:
            self.moves.labels(reason.value)
        for result in Hedge:
            self.hedges.labels(result.value)

    def call_opened(self, engine: str) -> None:
        """Count an open call."""
        self.open_calls.labels(engine).inc()

    def call_ended(self, engine: str, ended: Ended) -> None:
        """Count it as ended."""
        self.open_calls.labels(engine).dec()
        self.requests.labels(engine, ended.value).inc()

    def moved(self, reason: Move) -> None:
        """Count a move."""
        self.moves.labels(reason.value).inc()

    def hedged(self, result: Hedge) -> None:
        """Count a slow verdict."""
        self.hedges.labels(result.value).inc()

    def last_resort(self) -> None:
        """Count a call of last resort."""
        self.last_resorts.inc()

    def state(self, engine: str, health: State, breaker: BreakerState) -> None:
        """Show what is thought of an engine."""
        for state in State:
            self.health.labels(engine, state.value).set(state is health)
        for position in BreakerState:
            self.breaker.labels(engine, position.value).set(position is breaker)
        if health is State.UP and breaker is not BreakerState.OPEN:
            self._ready.add(engine)
        else:
            self._ready.discard(engine)
        self.count.set(len(self._ready))


class Metrics:
    """All series of one gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._admission()
        self._latency()
        self._revision()
        self._tokens()
        self.engines = EngineSeries(self.registry)
        self.feedback = FeedbackSeries(self.registry)

    def _admission(self) -> None:
        registry = self.registry
        self.requests = Counter(
            "preceptor_requests_total", "Requests ended.", ("route", "method", "status"), registry=registry
        )
        self.key_reloads = Counter(
            "preceptor_key_file_reloads_total", "Changed key files, by what became of them.", ("result",),
            registry=registry,
        )  # fmt: skip
        for result in Reload:
            self.key_reloads.labels(result.value)
        self.refused = Counter("preceptor_refused_total", "Requests turned away.", ("reason",), registry=registry)
        self.cancelled = Counter("preceptor_cancelled_total", "Clients that left.", ("route",), registry=registry)
        self.failures = Counter(
            "preceptor_failures_total", "Requests that the engine or the loop failed.", ("error",), registry=registry
        )
        self.in_flight = Gauge("preceptor_in_flight_requests", "Generating requests being served.", registry=registry)
        self.slots = Gauge("preceptor_max_in_flight_requests", "Slots for generating requests.", registry=registry)
        self.arriving = Gauge("preceptor_arriving_requests", "Bodies being received.", registry=registry)
        self.queued = Gauge("preceptor_queued_requests", "Requests waiting for a slot.", registry=registry)
        self.places = Gauge("preceptor_max_queued_requests", "Places in the queue for a slot.", registry=registry)
        self.ready = Gauge("preceptor_engine_ready", "1 when the engine answered its last check.", registry=registry)

    def _latency(self) -> None:
        registry = self.registry
        self.duration = Histogram(
            "preceptor_request_duration_seconds", "Arrival to last byte.", ("route",),
            buckets=E2E_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.overhead = Histogram(
            "preceptor_overhead_seconds", "Request time minus time waiting for the engine.", ("route",),
            buckets=SHORT_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.queue_wait = Histogram(
            "preceptor_queue_wait_seconds", "Arrival to slot, the body's arrival included.",
            buckets=STAGE_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.first_byte = Histogram(
            "preceptor_time_to_first_byte_seconds", "Arrival to response headers.", ("route",),
            buckets=STAGE_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.first_reasoning = Histogram(
            "preceptor_time_to_first_reasoning_seconds", "Arrival to first piece of the stages, streams only.",
            buckets=STAGE_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.first_answer = Histogram(
            "preceptor_time_to_first_answer_seconds", "Arrival to first piece of the answer, streams only.",
            buckets=STAGE_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.stage = Histogram(
            "preceptor_stage_duration_seconds", "Time in one stage of the loop.", ("stage",),
            buckets=STAGE_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.loop_lag = Histogram(
            "preceptor_event_loop_lag_seconds", "How late a timer of the event loop fires, sampled.",
            buckets=SHORT_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip

    def _revision(self) -> None:
        registry = self.registry
        self.outcomes = Counter("preceptor_outcomes_total", "How requests ended.", ("outcome",), registry=registry)
        self.bypasses = Counter("preceptor_bypasses_total", "Requests passed through.", ("reason",), registry=registry)
        self.degraded = Counter(
            "preceptor_degraded_total", "Requests whose critique or revision failed.", ("reason",), registry=registry
        )
        self.reasons = Counter(
            "preceptor_reasons_total",
            "Reasons told with outcomes of the loop.",
            ("outcome", "reason"),
            registry=registry,
        )
        self.verdicts = Counter(
            "preceptor_verdicts_total", "Verdicts of the judge.", ("subject", "verdict"), registry=registry
        )
        self.edits = Counter("preceptor_edits_total", "Edits decided.", ("result", "reason"), registry=registry)
        self.criteria = Counter("preceptor_criteria_total", "Criteria written.", registry=registry)
        for outcome in Outcome:
            self.outcomes.labels(outcome.value)

    def _tokens(self) -> None:
        registry = self.registry
        self.engine_calls = Counter("preceptor_engine_calls_total", "Model calls.", ("step",), registry=registry)
        self.prompt_tokens = Counter("preceptor_prompt_tokens_total", "Prompt tokens.", ("step",), registry=registry)
        self.cached_tokens = Counter(
            "preceptor_cached_tokens_total", "Prompt tokens that the engine had cached.", ("step",), registry=registry
        )
        self.cached_ratio = Histogram(
            "preceptor_cached_token_ratio", "Share of a guided request's prompt tokens that the engine had cached.",
            buckets=RATIO_BUCKETS, registry=registry,
        )  # fmt: skip
        self.completion_tokens = Counter(
            "preceptor_completion_tokens_total", "Completion tokens.", ("step",), registry=registry
        )

    def key_file_reloaded(self, result: Reload) -> None:
        """Count a changed key file."""
        self.key_reloads.labels(result.value).inc()

    def observe_trace(self, trace: Trace) -> None:
        """Count one finished request of the loop."""
        self.outcomes.labels(trace.outcome.value).inc()
        if trace.reason is not None:
            self.reasons.labels(trace.outcome.value, trace.reason).inc()
        if trace.outcome is Outcome.DEGRADED:
            self.degraded.labels(trace.reason or "unknown").inc()
        if trace.outcome is Outcome.BYPASSED:
            self.bypasses.labels(trace.reason or "unknown").inc()
        self.criteria.inc(len(trace.criteria))
        for subject, verdicts in (("draft", trace.before), ("revision", trace.after)):
            for verdict in verdicts:
                self.verdicts.labels(subject, {True: "met", False: "unmet", None: "unscored"}[verdict.met]).inc()
        for record in trace.edits:
            self.edits.labels("refused" if record.refused else "applied", record.refused or "none").inc()
        for stage, ms in trace.timings_ms.items():
            self.stage.labels(stage).observe(ms / 1000)
        self.observe_usage(trace.usage)
        prompt_tokens = sum(step.prompt_tokens for step in trace.usage)
        if prompt_tokens:
            self.cached_ratio.observe(sum(step.cached_tokens for step in trace.usage) / prompt_tokens)

    def observe_usage(self, usage: Iterable[StepUsage]) -> None:
        """Count the tokens of model calls."""
        for step in usage:
            self.engine_calls.labels(step.step).inc()
            self.prompt_tokens.labels(step.step).inc(step.prompt_tokens)
            self.cached_tokens.labels(step.step).inc(step.cached_tokens)
            self.completion_tokens.labels(step.step).inc(step.completion_tokens)

    def render(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry)
