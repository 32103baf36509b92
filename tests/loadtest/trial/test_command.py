"""Both commands with real processes, shortened: a run that ends idle, and one whose overload is turned away."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.cli import main


def run(command: str, folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    out = folder / "out"
    status = main([command, "--out", str(out), "--draft-tokens", "30", *words])
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return status, found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_soak_ends_as_idle_as_it_began(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = run("soak", tmp_path, "--rate", "3", "--seconds", "8")
    told = capsys.readouterr().out
    assert status == 0
    assert "nothing left behind" in told
    assert "SIMULATED soak" in told
    idle = found["idle"]
    assert idle["before"]["tasks"] > 0
    assert {name: by for name, by in idle["difference"].items() if by > 0 and name != "resident_mib"} == {}
    assert found["scraped"]["gateway"]["preceptor_event_loop_tasks"]["greatest"] > idle["before"]["tasks"]
    assert "Idle before and after" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_overload_is_turned_away_and_over_when_it_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--rate", "3", "--seconds", "12", "--max-in-flight", "4", "--max-queued", "2")
    _, found = run("overload", tmp_path, *words)
    capsys.readouterr()
    stages = found["targets"]["gateway"]["stages"]
    refused = stages["overload"]["ends"]["refused"]
    assert refused > 10
    assert found["gateway"]["refused"] == sum(stage["ends"].get("refused", 0) for stage in stages.values())
    assert found["gateway"]["refusal_seconds"]["p50"] < found["targets"]["gateway"]["refused_seconds"]["p50"]
