"""The command itself, against the real gateway as a process; what it measures is not asserted, that it measures is."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.cli import main

FIGURES = {"json_cpu_ms", "stream_cpu_ms", "p50_ms", "p99_ms", "rps", "detail"}


def ask(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    status = main([*words, "--json"])
    *people, last = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(last)
    return status, found, "\n".join(people)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_gateway_is_measured_three_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "stretches.json"
    words = ["overhead", "--targets", "passthrough,accepted,revised", "--concurrency", "1,2", "--requests", "8"]
    status, figures, people = ask(
        [*words, "--seconds", "5", "--repeats", "2", "--rate", "20", "--out", str(out)], capsys
    )
    assert (status, figures["unavailable"]) == (0, {})
    names = ["engine", "passthrough", "accepted", "revised"]
    assert list(figures) == [*names, "unavailable", "client_cpu_ms", "setup"]
    for name in names:
        assert set(figures[name]) == FIGURES
        for kind in ("json", "stream"):
            levels = figures[name]["detail"][kind]
            assert {level: (row["requests"], row["faults"]) for level, row in levels.items()} == {
                "c1": (16, {}),
                "c2": (16, {}),
                "steady": (16, {}),
            }
            assert ("own_overhead" in levels["steady"]) is (name != "engine")
    assert len(figures["setup"]["pace_ms"]) == 2
    assert list(figures["setup"]["idle_cpu_ms_per_second"]) == ["engine", "gateway"]
    assert all(name in people for name in names)
    rows = json.loads(out.read_text(encoding="utf-8"))["stretches"]
    assert len(rows) == 2 * 2 * 4 * 3
    assert {len(row["latencies_ms"]) for row in rows} == {8}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_clients_that_leave_leave_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    status, figures, people = ask(["disconnects", "--requests", "120", "--tolerance-mib", "50"], capsys)
    assert (status, figures["left_behind"]) == (0, [])
    assert figures["left"] + figures["answered"] == 120
    after = figures["states"]["after"]
    assert (after["open_calls"], after["in_flight"], after["queued"]) == (0, 0, 0)
    assert after["cut_off_calls"] > figures["states"]["before"]["cut_off_calls"]
    assert "nothing left behind" in people


@pytest.mark.parametrize(
    "words",
    [
        ["overhead", "--targets", "passthrough,bifrost"],
        ["overhead", "--rate", "0"],
        ["overhead", "--rate", "inf"],
        ["overhead", "--concurrency", "1,0"],
        ["overhead", "--repeats", "0"],
        ["disconnects", "--requests", "0"],
    ],
)
def test_wrong_words_exit_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert words[1] in capsys.readouterr().err
