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


def test_a_real_engine_is_only_left_and_never_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new"
    assert main(["faults", "--out", str(out), "--engine", "http://127.0.0.1:1"]) == 2
    assert "--only leaving" in capsys.readouterr().err
    assert not out.exists()


def test_a_real_engine_that_is_not_there_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--out", str(tmp_path / "new"), "--only", "leaving", "--engine", "http://127.0.0.1:1"]) == 1
    assert "names no model" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1/v1", "http:///"])
def test_an_engine_is_named_by_host_and_port(tmp_path: Path, engine: str) -> None:
    with pytest.raises(SystemExit):
        main(["faults", "--out", str(tmp_path / "new"), "--only", "leaving", "--engine", engine])
