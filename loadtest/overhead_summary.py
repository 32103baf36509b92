"""What an overhead run comes to: medians over its repeats, and latencies over the engine's own of the same repeat.

Invariant: pure functions; a target that fell short of the wanted rate is marked as saturated, with the rate it had.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from loadtest.overhead import STEADY, Stretch
from loadtest.quantiles import histogram_quantile, percentile
from loadtest.servers import ENGINE
from loadtest.targets import KINDS, Kind

_REACHED = 0.97
_SHARES = {"p50_ms": 0.5, "p99_ms": 0.99}


def summarise(stretches: Sequence[Stretch], wanted_rate: float) -> dict[str, dict[str, Any]]:
    """The figures of each target by its name; times in milliseconds.

    ``json_cpu_ms`` and ``stream_cpu_ms`` are CPU for each request at the steady rate; ``p50_ms`` and ``p99_ms`` those
    of JSON requests at that rate, over the engine's but for the engine itself; ``rps`` the most JSON requests a second
    that a closed loop reached.
    """
    names = list(dict.fromkeys(stretch.target for stretch in stretches))
    return {name: _figures(name, stretches, wanted_rate) for name in names}


def _figures(name: str, stretches: Sequence[Stretch], wanted_rate: float) -> dict[str, Any]:
    detail: dict[str, Any] = {kind: _kind_detail(name, kind, stretches, wanted_rate) for kind in KINDS}
    steady, over = detail["json"][STEADY], "" if name == ENGINE else "added_"
    return {
        "json_cpu_ms": steady["cpu_ms"],
        "stream_cpu_ms": detail["stream"][STEADY]["cpu_ms"],
        "p50_ms": steady[f"{over}p50_ms"],
        "p99_ms": steady[f"{over}p99_ms"],
        "rps": max(level["rps"] for key, level in detail["json"].items() if key != STEADY),
        "detail": detail,
    }


def _kind_detail(name: str, kind: Kind, stretches: Sequence[Stretch], wanted_rate: float) -> dict[str, Any]:
    of_kind = [stretch for stretch in stretches if stretch.kind == kind]
    levels = dict.fromkeys(stretch.level for stretch in of_kind if stretch.target == name)
    return {level: _level(name, [s for s in of_kind if s.level == level], wanted_rate) for level in levels}


def _level(name: str, stretches: Sequence[Stretch], wanted_rate: float) -> dict[str, Any]:
    own = [stretch for stretch in stretches if stretch.target == name]
    engine = {stretch.repeat: stretch for stretch in stretches if stretch.target == ENGINE}
    sent = sum(stretch.load.sent for stretch in own)
    found: dict[str, Any] = {
        "requests": sum(len(stretch.load.latencies_ms) for stretch in own),
        "faults": dict(sum((stretch.load.faults for stretch in own), Counter[str]())),
        "rps": _median(len(s.load.latencies_ms) / s.load.seconds for s in own),
        # The kernel counts in hundredths of a second, so that few requests at a time would be a coarse measure.
        "cpu_ms": round(sum(s.cpu_seconds for s in own) / sent * 1000, 3),
        "client_cpu_ms": round(sum(s.load.client_cpu_seconds for s in own) / sent * 1000, 3),
    }
    for key, share in _SHARES.items():
        found[key] = _median(percentile(s.load.latencies_ms, share) for s in own)
        if name != ENGINE:
            found[f"added_{key}"] = _median(_added(s, engine[s.repeat], share) for s in own)
    return found | (_steady(own, wanted_rate) if own[0].rate is not None else {})


def _steady(own: Sequence[Stretch], wanted_rate: float) -> dict[str, Any]:
    rate = median(stretch.rate or 0.0 for stretch in own)
    reached = median(len(s.load.latencies_ms) / s.load.seconds for s in own)
    found: dict[str, Any] = {
        "offered_rate": round(rate, 1),
        "saturated": rate < wanted_rate or reached < rate * _REACHED,
        "send_lag_p99_ms": _median(percentile(s.load.send_lags_ms, 0.99) for s in own),
    }
    if any(stretch.overhead_buckets for stretch in own):
        found["own_overhead"] = {key: _median(_own_ms(s, share) for s in own) for key, share in _SHARES.items()}
    return found


def _own_ms(stretch: Stretch, share: float) -> float | None:
    seconds = histogram_quantile(stretch.overhead_buckets, share)
    return None if seconds is None else seconds * 1000


def _added(stretch: Stretch, engine: Stretch, share: float) -> float | None:
    mine, floor = (percentile(s.load.latencies_ms, share) for s in (stretch, engine))
    return None if mine is None or floor is None else mine - floor


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return round(median(found), 3) if found else None
