from pathlib import Path

import pytest

from loadtest.cli import main
from loadtest.faults.command import names


def test_scenarios_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--out", str(tmp_path / "new"), "--list"]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == names()
    assert {"killed-draft", "blackhole-edit", "never-rubric", "gateway_sigterm", "leaving checks"} <= set(names())


def test_a_name_that_no_scenario_has_is_refused(tmp_path: Path) -> None:
    assert main(["faults", "--out", str(tmp_path / "new"), "--only", "meteorite"]) == 2
    assert not (tmp_path / "new").exists()
