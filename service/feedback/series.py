"""What Prometheus sees of feedback. Invariant: labels come from closed sets, so that every series is there at once."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from service.feedback.failure import Reason
from service.revision.feedback import Preferred

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)


class FeedbackSeries:
    """The series of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.given = Counter(
            "preceptor_feedback_total", "Feedback stored, by the answer preferred.", ("preferred",), registry=registry
        )
        self.failures = Counter(
            "preceptor_feedback_failures_total", "What the feedback database did not do.", ("reason",),
            registry=registry,
        )  # fmt: skip
        self.latency = Histogram(
            "preceptor_feedback_database_seconds", "Transactions of the feedback database.", ("operation",),
            buckets=BUCKETS_SECONDS, registry=registry,
        )  # fmt: skip
        for preferred in Preferred:
            self.given.labels(preferred.value)
        for reason in Reason:
            self.failures.labels(reason.value)
