"""What the gateway says of itself over a run: refusals, the lag of its event loop, its own overhead, processor time.

Invariant: only what was counted between the two scrapes.
"""

from typing import Any

from loadtest.quantiles import buckets, difference, gauge, histogram_quantile

_HISTOGRAMS = {
    "refusal_seconds": "preceptor_refusal_duration_seconds",
    "event_loop_lag_seconds": "preceptor_event_loop_lag_seconds",
    "overhead_seconds": "preceptor_overhead_seconds",
    "queue_wait_seconds": "preceptor_queue_wait_seconds",
}
_COUNTERS = {"refused": "preceptor_refused_total", "cpu_seconds": "process_cpu_seconds_total"}


def told(before: str, after: str) -> dict[str, Any]:
    """Quantiles (within their buckets in proportion) and counts, from two answers of ``/metrics``."""
    found: dict[str, Any] = {}
    for name, series in _HISTOGRAMS.items():
        counted = difference(buckets(after, series), buckets(before, series))
        found[name] = {"p50": histogram_quantile(counted, 0.5), "p99": histogram_quantile(counted, 0.99)}
    for name, series in _COUNTERS.items():
        found[name] = (gauge(after, series) or 0.0) - (gauge(before, series) or 0.0)
    return found
