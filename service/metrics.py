"""What Prometheus sees of the gateway, in a registry of its own.

Invariant: every label comes from a closed set, never from an id or a text; times are in seconds.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from service.editions import CorpusReload
from service.engine_series import EngineSeries
from service.feedback.series import FeedbackSeries
from service.keys import Reload
from service.revision.trace import Outcome, StepUsage, Trace
from service.watches import Watch

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


class Metrics:
    """All series of one gateway."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._admission()
        self._latency()
        self._revision()
        self._tokens()
        self._watches()
        self.engines = EngineSeries(self.registry)
        self.feedback = FeedbackSeries(self.registry)

    def _admission(self) -> None:
        registry = self.registry
        self.requests = Counter(
            "preceptor_requests_total", "Requests ended.", ("route", "method", "status"), registry=registry
        )
        self.exported_spans = Counter(
            "preceptor_spans_exported_total", "Spans that a collector took.", registry=registry
        )
        self.dropped_spans = Counter("preceptor_spans_dropped_total", "Spans lost.", ("reason",), registry=registry)
        self.key_reloads = Counter(
            "preceptor_key_file_reloads_total", "Changed key files, by what became of them.", ("result",),
            registry=registry,
        )  # fmt: skip
        for result in Reload:
            self.key_reloads.labels(result.value)
        self.refused = Counter("preceptor_refused_total", "Requests turned away.", ("reason",), registry=registry)
        self.refusal = Histogram(
            "preceptor_refusal_duration_seconds", "Arrival to the decision to turn a request away.", ("reason",),
            buckets=SHORT_BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        self.cancelled = Counter("preceptor_cancelled_total", "Clients that left.", ("route",), registry=registry)
        self.failures = Counter(
            "preceptor_failures_total", "Requests that the engine or the loop failed.", ("error",), registry=registry
        )
        self.in_flight = Gauge("preceptor_in_flight_requests", "Generating requests being served.", registry=registry)
        self.slots = Gauge("preceptor_max_in_flight_requests", "Slots for generating requests.", registry=registry)
        self.arriving = Gauge("preceptor_arriving_requests", "Bodies being received.", registry=registry)
        self.queued = Gauge("preceptor_queued_requests", "Requests waiting for a slot.", registry=registry)
        self.places = Gauge("preceptor_max_queued_requests", "Places in the queue for a slot.", registry=registry)
        self.held_back = Gauge(
            "preceptor_held_back_requests", "Requests waiting until one of their own client's ends.", registry=registry
        )
        self.clients_limited = Gauge(
            "preceptor_clients_limited", "Clients that a limit of their own holds back now.", ("limit",),
            registry=registry,
        )  # fmt: skip
        self.clients_queued = Gauge("preceptor_queued_clients", "Clients with requests that wait.", registry=registry)
        self.displaced = Counter(
            "preceptor_displaced_total", "Requests that gave up their place to another client's.", registry=registry
        )
        self.charged_tokens = Counter(
            "preceptor_charged_tokens_total", "Tokens that requests were charged with, by who counted them.",
            ("source",), registry=registry,
        )  # fmt: skip
        for source in ("reported", "estimated"):
            self.charged_tokens.labels(source)
        self.ready = Gauge("preceptor_engine_ready", "1 when the engine answered its last check.", registry=registry)
        self.priorities = Gauge(
            "preceptor_engine_priorities", "1 while calls are sent with priorities.", registry=registry
        )

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
        self.loop_tasks = Gauge("preceptor_event_loop_tasks", "Tasks of the event loop, sampled.", registry=registry)

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

    def _watches(self) -> None:
        registry = self.registry
        self.corpus_reloads = Counter(
            "preceptor_corpus_reloads_total", "Changed principles, by what became of them.", ("result",),
            registry=registry,
        )  # fmt: skip
        for result in CorpusReload:
            self.corpus_reloads.labels(result.value)
        self.watch_failures = Counter(
            "preceptor_watch_failures_total", "Tasks beside the requests that failed and were begun again.", ("watch",),
            registry=registry,
        )  # fmt: skip
        for watch in Watch:
            self.watch_failures.labels(watch.value)

    def corpus_reloaded(self, result: CorpusReload) -> None:
        """Count changed principles."""
        self.corpus_reloads.labels(result.value).inc()

    def watch_failed(self, watch: Watch) -> None:
        """Count a failed watch."""
        self.watch_failures.labels(watch.value).inc()

    def key_file_reloaded(self, result: Reload) -> None:
        """Count a changed key file."""
        self.key_reloads.labels(result.value).inc()

    def spans_exported(self, number: int) -> None:
        """Count spans that a collector took."""
        self.exported_spans.inc(number)

    def spans_dropped(self, number: int, reason: str) -> None:
        """Count spans that were lost."""
        self.dropped_spans.labels(reason).inc(number)

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
