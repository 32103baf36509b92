import json
from pathlib import Path

import pytest

from training.reproduce.cli import main
from training.runs.stages import Results

SMOKE = "training/configs/reproduce/smoke.toml"
METHODS = ("sft", "grpo", "crpo", "absolute")


def test_without_a_run_the_published_figures_are_shown_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--report", "--json", "--out", str(tmp_path / "none")]) == 0
    shown = capsys.readouterr()
    assert "none: these are the figures published with this version" in shown.err
    figures = json.loads(shown.out)
    for method in METHODS:
        assert {"draft", "draft_ci", "guided", "guided_ci"} <= figures[method].keys()
    for name in ("crpo_winrate_vs_absolute", "rubric_lift_exact", "rubric_lift_synthesised", "rubric_lift_generic"):
        low, high = figures[f"{name}_ci"]
        assert low <= figures[name] <= high
    assert {"accuracy", "f1", "kappa", "parse_failures"} <= figures["judge"].keys()
    assert {"precision", "recall"} <= figures["distil"].keys()
    assert not (tmp_path / "none").exists()


def test_a_run_is_reported_without_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Results(tmp_path).put("judge", {"seconds": 2.0, "figures": {"kappa": 0.5}})
    assert main(["--report", "--json", "--out", str(tmp_path), "--config", SMOKE]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["judge"], figures["stages"]["done"]) == ({"kappa": 0.5}, 1)
    assert (tmp_path / "report.html").is_file()


def test_another_configuration_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert main(["--out", str(tmp_path), "--config", SMOKE]) == 1
    assert "holds a reproduction with another configuration" in capsys.readouterr().err
