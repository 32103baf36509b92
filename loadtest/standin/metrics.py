"""The stand-in's metrics, in the names and the text form of vLLM's.

Invariant: what is counted in vLLM is counted here under the same name; one series more says that it is a stand-in.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.standin.scheduler import Scheduler

SIMULATED = "loadtest_standin_info"
_FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0)
_PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_WHOLE = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0)


class Histogram:
    """Counts by upper bound, in seconds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str, label: str) -> list[str]:
        """Its samples in Prometheus's text form."""
        total, found = 0, [f"# TYPE {name} histogram"]
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            found.append(f'{name}_bucket{{le="{bound}",{label}}} {total}')
        return [*found, f"{name}_sum{{{label}}} {self._sum}", f"{name}_count{{{label}}} {total}"]


@dataclass(slots=True)
class Histograms:
    """Times of calls that the engine has served."""

    first_token: Histogram = field(default_factory=lambda: Histogram(_FIRST_TOKEN))
    per_token: Histogram = field(default_factory=lambda: Histogram(_PER_TOKEN))
    whole: Histogram = field(default_factory=lambda: Histogram(_WHOLE))


def metrics_text(scheduler: Scheduler, histograms: Histograms, model: str, lag_seconds: float) -> str:
    """Everything in Prometheus's text form."""
    label = f'engine="0",model_name="{model}"'
    tally, blocks = scheduler.tally, scheduler.blocks
    gauges = {
        "vllm:num_requests_running": len(scheduler.running),
        "vllm:num_requests_waiting": scheduler.waiting,
        "vllm:kv_cache_usage_perc": blocks.used / blocks.capacity,
        "loadtest_standin_greatest_lag_seconds": lag_seconds,
    }
    counters = {
        "vllm:prefix_cache_queries": tally.prefix_queries_tokens,
        "vllm:prefix_cache_hits": tally.prefix_hits_tokens,
        "vllm:num_preemptions": tally.preemptions,
        "vllm:prompt_tokens": tally.prompt_tokens,
        "vllm:generation_tokens": tally.generation_tokens,
    }
    lines = [f"# TYPE {SIMULATED} gauge", f'{SIMULATED}{{speed="{scheduler.speed.name}"}} 1']
    for name, value in gauges.items():
        lines += [f"# TYPE {name} gauge", f"{name}{{{label}}} {value}"]
    for name, value in counters.items():
        lines += [f"# TYPE {name} counter", f"{name}_total{{{label}}} {value}"]
    lines.append("# TYPE vllm:request_success counter")
    for reason, number in (("stop", tally.finished), ("abort", tally.aborted)):
        lines.append(f'vllm:request_success_total{{finished_reason="{reason}",{label}}} {number}')
    lines += histograms.first_token.lines("vllm:time_to_first_token_seconds", label)
    lines += histograms.per_token.lines("vllm:request_time_per_output_token_seconds", label)
    lines += histograms.whole.lines("vllm:e2e_request_latency_seconds", label)
    return "\n".join(lines) + "\n"
