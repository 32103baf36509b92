"""The whole cluster with real processes: two gateways, three stand-ins, one of them killed and started anew."""

import json
from pathlib import Path

import pytest

from loadtest.cli import main


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_conversations_stay_and_only_a_dead_engines_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    talk = ["--turns", "60", "--history-words", "60", "--draft-tokens", "20", "--thought-seconds", "0.05", "0.2"]
    assert main(["cluster", "--out", str(out), "--seconds", "3", "--users", "6", *talk]) == 0
    assert "SIMULATED 2 gateways, 3 engines" in capsys.readouterr().out
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    phases = found["phases"]
    assert list(phases) == ["control", "alive", "killed", "back"]
    assert all(phase["errors"] == {} for phase in phases.values())
    assert phases["control"]["affinity"]["hit_rate"] < 0.8
    assert phases["alive"]["affinity"]["hit_rate"] > 0.9
    assert phases["alive"]["affinity"]["hit_rate_of_possible"] == 1.0
    assert phases["killed"]["affinity"]["hit_rate_of_possible"] > 0.9
    assert min(found["balancer"]["opened"]) > 5
    turns = (out / "turns.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(turns) >= sum(phase["turns"] for phase in phases.values())


def test_a_gateway_that_does_not_come_up_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["cluster", "--out", str(out), "--gateway", "false", "--engines", "1"]) == 1
    assert "gateway-0 ended with status 1" in capsys.readouterr().err
    assert not out.exists()
