import io
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from loadtest.load import Load
from loadtest.overhead import STEADY, Stretch, offered
from loadtest.overhead_report import notes, write_tables
from loadtest.overhead_summary import summarise
from loadtest.targets import KINDS, Kind


def stretch(
    target: str,
    level: str,
    repeat: int,
    ms: float,
    *,
    kind: Kind = "json",
    number: int = 100,
    seconds: float = 1.0,
    rate: float | None = None,
    faults: Mapping[str, int] | None = None,
    overhead: Mapping[float, float] | None = None,
) -> Stretch:
    load = Load([ms] * number, [0.1] * number, Counter(faults or {}), seconds, client_cpu_seconds=0.02)
    return Stretch(target, kind, level, repeat, load, 0.15, rate, overhead or {})


def both(target: str, repeat: int, ms: float, rate: float = 100.0) -> list[Stretch]:
    found = []
    for kind in KINDS:
        found.append(stretch(target, "c1", repeat, ms, kind=kind, number=200))
        found.append(stretch(target, STEADY, repeat, ms, kind=kind, rate=rate))
    return found


STRETCHES = [
    *(row for repeat, ms in enumerate((1.0, 2.0, 9.0), 1) for row in both("engine", repeat, ms)),
    *(row for repeat, ms in enumerate((2.5, 3.0, 11.0), 1) for row in both("passthrough", repeat, ms)),
]


def test_what_is_added_is_the_median_of_the_differences_within_repeats() -> None:
    summary = summarise(STRETCHES, 100.0)
    assert (summary["engine"]["p50_ms"], summary["engine"]["p99_ms"]) == (2.0, 2.0)
    assert (summary["passthrough"]["p50_ms"], summary["passthrough"]["p99_ms"]) == (1.5, 1.5)
    assert summary["passthrough"]["detail"]["json"][STEADY]["p50_ms"] == 3.0


def test_cpu_is_that_of_all_repeats_over_all_requests() -> None:
    row = summarise(STRETCHES, 100.0)["passthrough"]
    assert (row["json_cpu_ms"], row["stream_cpu_ms"]) == (1.5, 1.5)
    assert row["detail"]["json"]["c1"]["cpu_ms"] == 0.75
    assert row["detail"]["json"][STEADY]["client_cpu_ms"] == 0.2


def test_requests_a_second_are_those_of_the_best_closed_loop() -> None:
    faster = [stretch("engine", "c8", repeat, 1.0, number=number) for repeat, number in ((1, 300), (2, 700), (3, 500))]
    summary = summarise([*STRETCHES, *faster], 100.0)
    assert (summary["engine"]["rps"], summary["passthrough"]["rps"]) == (500.0, 200.0)


def test_a_target_that_falls_short_of_the_rate_is_saturated() -> None:
    slow = [row for repeat in (1, 2, 3) for row in both("revised", repeat, 30.0, rate=63.0)]
    late = [stretch("accepted", STEADY, 1, 30.0, seconds=2.0, rate=100.0)]
    late += [stretch("accepted", STEADY, 1, 30.0, kind="stream", rate=100.0), stretch("accepted", "c1", 1, 30.0)]
    summary = summarise([*STRETCHES, *slow, *late], 100.0)
    steady = {name: row["detail"]["json"][STEADY] for name, row in summary.items()}
    assert [(name, row["offered_rate"], row["saturated"]) for name, row in steady.items()] == [
        ("engine", 100.0, False),
        ("passthrough", 100.0, False),
        ("revised", 63.0, True),
        ("accepted", 100.0, True),
    ]


@pytest.mark.parametrize(
    ("capacity", "rate"), [(1000.0, 100.0), (120.0, 100.0), (119.0, 83.3), (60.0, 42.0), (0.0, 1.0)]
)
def test_the_rate_follows_what_a_target_can_hold(capacity: float, rate: float) -> None:
    assert offered(100.0, capacity) == pytest.approx(rate)


def test_the_gateways_own_overhead_is_the_median_of_the_repeats() -> None:
    counted = [{0.001: 10.0, 0.002: 10.0, math.inf: 10.0}, {0.001: 0.0, 0.002: 30.0, math.inf: 30.0}]
    own = [stretch("passthrough", STEADY, n, 1.0, rate=100.0, overhead=found) for n, found in enumerate(counted, 1)]
    rest = [s for s in STRETCHES if (s.target, s.level, s.kind) != ("passthrough", STEADY, "json")]
    steady = summarise([*rest, *own], 100.0)["passthrough"]["detail"]["json"][STEADY]
    assert steady["own_overhead"] == {"p50_ms": pytest.approx(1.0), "p99_ms": pytest.approx(1.49)}
    assert "own_overhead" not in summarise(STRETCHES, 100.0)["engine"]["detail"]["json"][STEADY]


def shown(targets: Mapping[str, Any], unavailable: Mapping[str, Any]) -> dict[str, Any]:
    setup = {
        "rate": 100.0,
        "repeats": 3,
        "token_gap_ms": 1.0,
        "pace_ms": [20.5],
        "idle_cpu_ms_per_second": {"engine": 1},
    }
    return {"targets": targets, "unavailable": unavailable, "client_cpu_ms": 0.2, "setup": setup}


def test_the_tables_hold_a_row_for_each_target_and_load() -> None:
    stream = io.StringIO()
    write_tables(shown(summarise(STRETCHES, 100.0), {}), stream)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in stream.getvalue().splitlines() if "│" in line]
    assert rows[:2] == [
        ["engine", "100/s", "1.50", "2.00", "2.00", "-", "-", "100/s", "1.50", "200"],
        ["passthrough", "100/s", "1.50", "1.50", "1.50", "-", "-", "100/s", "1.50", "200"],
    ]
    assert rows[2] == ["engine", "1 at once", "200", "2.00", "2.00", "-", "-", "0.75"]
    assert rows[5] == ["passthrough", "100/s", "100", "3.00", "3.00", "1.50", "1.50", "1.50"]
    assert len(rows) == 2 + 4 + 4


def test_faults_are_counted_and_told() -> None:
    failing = [stretch("passthrough", "c1", 3, 1.0, faults={"status 502": 4})]
    targets = summarise([*STRETCHES, *failing], 100.0)
    assert targets["passthrough"]["detail"]["json"]["c1"]["faults"] == {"status 502": 4}
    summary = shown(targets, {"optillm": {"unavailable": "make peers"}})
    assert notes(summary)[-3:] == [
        "a fixed piece of work took 20.5 ms of CPU in these repeats; idle, ms of CPU a second: engine 1",
        "NOTE: optillm not measured: make peers",
        "NOTE: passthrough, json, c1: 4 x status 502",
    ]


def test_a_stretch_can_be_written_as_json() -> None:
    row = stretch("engine", STEADY, 2, 1.23456, number=2, rate=50.0, faults={"status 500": 1}).row()
    assert json.loads(json.dumps(row)) == {
        "target": "engine",
        "kind": "json",
        "level": STEADY,
        "repeat": 2,
        "offered_rate": 50.0,
        "seconds": 1.0,
        "cpu_seconds": 0.15,
        "client_cpu_seconds": 0.02,
        "faults": {"status 500": 1},
        "latencies_ms": [1.235, 1.235],
    }
