import json
from pathlib import Path

import pytest

from training.flywheel.cli import main
from training.flywheel.figures import collect_figures
from training.flywheel.verdicts import Verdicts, write_verdicts
from training.reproduce.drafts import Draft, write_drafts
from training.runs.stages import Results

SMOKE = "training/configs/flywheel/smoke.toml"


def done(folder: Path, *names: str) -> None:
    for name in names:
        Results(folder).put(name, {"seconds": 1.0, "figures": {}})


def test_lifts_are_paired_by_case(tmp_path: Path) -> None:
    for subject, scores in (("start", (0.2, 0.6)), ("policy", (0.5, 0.9))):
        drafts = [Draft(seed, "text", score, 3) for seed, score in enumerate(scores)]
        write_drafts(tmp_path / "drafts" / f"{subject}.jsonl", drafts)
        done(tmp_path, f"drafts:{subject}")
    figures = collect_figures(tmp_path)
    assert figures["drafts_start"] == pytest.approx(0.4)
    assert figures["policy_draft_lift"] == pytest.approx(0.3)
    assert figures["policy_draft_lift_ci"] == [pytest.approx(0.3), pytest.approx(0.3)]
    assert "judge_accuracy_lift" not in figures


def test_a_cases_accuracy_is_the_share_of_its_labels(tmp_path: Path) -> None:
    for subject, right in (("start", [True, False]), ("judge", [True, True])):
        write_verdicts(tmp_path / "verdicts" / f"{subject}.json", Verdicts({"a": right, "b": [True]}, 0))
        done(tmp_path, f"verdicts:{subject}")
    figures = collect_figures(tmp_path)
    assert figures["verdicts_start"] == pytest.approx(0.75)
    assert figures["judge_accuracy_lift"] == pytest.approx(0.25)


def test_a_report_shows_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for subject, value in (("start", 0.2), ("policy", 0.5)):
        write_drafts(tmp_path / "drafts" / f"{subject}.jsonl", [Draft(1, "text", value, 3)])
        done(tmp_path, f"drafts:{subject}")
    assert main(["--report", "--json", "--out", str(tmp_path), "--config", SMOKE]) == 0
    assert json.loads(capsys.readouterr().out)["policy_draft_lift"] == pytest.approx(0.3)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 of 12 stages are done." in text
    assert "policy draft lift" in text
    assert (tmp_path / "plots" / "lifts.png").is_file()


def test_another_configuration_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert main(["--out", str(tmp_path), "--config", SMOKE]) == 1
    assert "holds a turn with another configuration" in capsys.readouterr().err
