"""The commands: what they write and print, and one line where they cannot."""

import argparse
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from tests.training.evaluation.reports.made import FIGURES, Made, logged
from tests.training.evaluation.reports.parsed import Page
from training.evaluation.reports import compare_command, leaderboard_command, report_command
from training.evaluation.reports.comparing import Figures


def ran(command: ModuleType, *argv: str, figures: Mapping[str, Figures] = FIGURES) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    run: Callable[..., int] = command.run
    return run(parser.parse_args(argv), figures)


@pytest.fixture
def own_run(made_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, to write into."""
    return Path(shutil.copytree(made_run, tmp_path / "run"))


def test_a_report_is_written_into_its_run(own_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(report_command, str(own_run)) == 0
    assert capsys.readouterr().out == f"report: {own_run / 'report.html'}\n"
    Page((own_run / "report.html").read_text(encoding="utf-8"))
    document = json.loads((own_run / "report.json").read_text(encoding="utf-8"))
    assert document["benchmarks"]["healthbench"]["arms"]["draft"]["figures"]["score"]["n"] == 6


def test_two_arms_are_compared_on_standard_output(
    made_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, data = tmp_path / "compared.html", tmp_path / "compared.json"
    sides = (f"{made_run}:healthbench:guided", f"{made_run}:draft")
    assert ran(compare_command, *sides, "--html", str(page), "--json", str(data)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "healthbench: toy guided \u2212 toy draft"
    assert lines[1] == "5 pairs; only first 0, only second 1; first higher / same / lower: 2 / 1 / 1"
    assert lines[2].split()[:3] == ["figure", "first", "second"]
    assert lines[3].split()[:3] == ["score", "0.625", "0.525"]
    assert any(line.startswith("tokens ") and "3.00" in line for line in lines)
    [found] = json.loads(data.read_text(encoding="utf-8"))["comparisons"]
    assert (found["first"], found["second"], found["pairs"], found["cautions"]) == ("guided", "draft", 5, [])
    assert found["figures"]["axis:completeness"]["family"] == "axis"
    assert "guided \u2212 draft [95%]" in Page(page.read_text(encoding="utf-8")).text


def test_the_same_arms_of_two_runs_are_compared_with_a_caution_where_judges_differ(
    made_run: Path, tmp_path: Path, inspect_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    logged(other, "healthbench", "draft", [Made(f"case-{n}", {"score": 0.1}) for n in range(6)], judge="another")
    assert ran(compare_command, str(made_run), str(other)) == 0
    out = capsys.readouterr().out
    assert "healthbench: toy draft \u2212 toy draft" in out
    assert "caution: different judges: exact and another" in out
    assert "toy guided" not in out


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("{run}", "{run}", "no two arms to compare; name them"),
        ("{run}:nothing", "{run}", "neither a benchmark nor an arm 'nothing'; it has healthbench, draft, guided"),
        ("{run}:mlb:draft", "{run}", "no benchmark 'mlb'; it has healthbench"),
        ("{run}-gone", "{run}", "no such run"),
        ("{run}:healthbench:draft", "{run}:healthbench:draft", "no two arms to compare"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(
    made_run: Path, capsys: pytest.CaptureFixture[str], first: str, second: str, reason: str
) -> None:
    assert ran(compare_command, first.format(run=made_run), second.format(run=made_run)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert reason in told.err
    assert str(made_run) in told.err
    assert told.err.count("\n") == 1


def test_a_leaderboard_is_written(made_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(leaderboard_command, str(made_run), "--out", str(tmp_path / "board")) == 0
    assert capsys.readouterr().out == f"leaderboard: {tmp_path / 'board' / 'leaderboard.html'}\n"
    Page((tmp_path / "board" / "leaderboard.html").read_text(encoding="utf-8"))
    [board] = json.loads((tmp_path / "board" / "leaderboard.json").read_text(encoding="utf-8"))["boards"]
    assert [one["arm"] for one in board["entries"]] == ["guided", "draft"]


@pytest.mark.parametrize("command", [report_command, leaderboard_command])
def test_a_folder_without_a_run_is_one_line(
    command: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")] if command is leaderboard_command else []
    assert ran(command, str(tmp_path), *out) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: no config.json, so this is no run's folder\n"
