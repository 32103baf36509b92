"""From rows to figures: for each target, over the whole run and stage by stage.

Invariant: goodput counts requests that met every bound of the SLO. Clients that left by plan or read slowly by plan are
in no latency and in no goodput share, and are counted apart.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loadtest.quantiles import percentile
from loadtest.run.gaps import Gaps
from loadtest.run.profile import LoadProfile, Slo
from loadtest.run.row import End, Row
from loadtest.stats import share

_SHARES: Mapping[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LATENCIES: Mapping[str, Callable[[Row], float | None]] = {
    "ttfb_seconds": lambda row: row.ttfb if row.stream else None,
    "first_reasoning_seconds": lambda row: row.first_reasoning,
    "first_answer_seconds": lambda row: row.first_answer,
    "e2e_seconds": lambda row: row.e2e,
    "tpot_ms": lambda row: row.tpot_ms,
    "overhead_ms": lambda row: row.overhead_ms,
}


def figures(profile: LoadProfile, rows: Sequence[Row], targets: Mapping[str, Gaps]) -> dict[str, Any]:
    """The figures of each target as JSON; ``targets`` maps each name to the gaps of its tokens."""
    found: dict[str, Any] = {}
    for name, gaps in targets.items():
        own = [row for row in rows if row.target == name]
        whole = of_stretch(own, profile.slo, 0.0, profile.seconds)
        stages, start = {}, 0.0
        for stage in profile.stages:
            in_stage = [row for row in own if row.stage == stage.name]
            stages[stage.name] = of_stretch(in_stage, profile.slo, start, stage.seconds)
            start += stage.seconds
        found[name] = {**whole, "itl_ms": gaps.quantiles(), "stages": stages, "kinds": _kinds(profile, own)}
    return found


def _kinds(profile: LoadProfile, rows: Sequence[Row]) -> dict[str, Any]:
    """The same of each kind of request, those streamed and those in one piece apart."""
    names = {row: f"{row.kind}, {'streamed' if row.stream else 'in one piece'}" for row in rows}
    return {
        kind: of_stretch([row for row in rows if names[row] == kind], profile.slo, 0.0, profile.seconds)
        for kind in sorted(set(names.values()))
    }


def of_stretch(rows: Sequence[Row], slo: Slo, start: float, seconds: float) -> dict[str, Any]:
    """Figures of the requests that were due in the ``seconds`` from ``start`` on."""
    judged = [row for row in rows if row.end is not End.LEFT and not row.slow]
    served = [row for row in judged if row.end is End.OK]
    good = sum(row.keeps(slo) for row in judged)
    refused = [row.e2e for row in rows if row.end is End.REFUSED]
    misses = [row.scheduled for row in judged if not row.keeps(slo)]
    return {
        "requests": len(rows),
        "offered_per_second": len(rows) / seconds,
        "ends": dict(Counter(row.end.value for row in rows).most_common()),
        "slow_readers": sum(row.slow for row in rows),
        "good": good,
        "goodput_per_second": good / seconds,
        "goodput_share": share(good, len(judged)),
        "goodput_share_of_accepted": share(good, sum(row.end is not End.REFUSED for row in judged)),
        "last_miss_seconds_into": max(misses) - start if misses else None,
        "outcomes": dict(Counter(row.outcome or "none" for row in served).most_common()),
        "reasons": dict(Counter(row.reason for row in served if row.reason).most_common()),
        "refused_seconds": quantiles(refused),
        "refused_from_sent_seconds": quantiles([row.e2e - row.send_lag for row in rows if row.end is End.REFUSED]),
        "send_lag_seconds": quantiles([row.send_lag for row in rows]),
        **{name: quantiles([value(row) for row in served]) for name, value in LATENCIES.items()},
    }


def quantiles(values: Sequence[float | None]) -> dict[str, float | None]:
    """The usual three of those that are there."""
    there = [value for value in values if value is not None]
    return {name: percentile(there, wanted) for name, wanted in _SHARES.items()}
