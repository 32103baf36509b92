import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ModelOutput

from models.registry import PACKAGED, load_registry
from tests.training.evaluation.audit.made import judge, output
from training.evaluation.audit.command import add_arguments, run
from training.judges.miniclinic import deviate
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import verdict

BUNDLED = "preceptor-miniclinic"
KNOWLEDGE = load_knowledge()


def options(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(one) for one in given])


def lenient(asked: Mapping[str, Any]) -> ModelOutput:
    """A judge of the miniclinic whose logit is 2 or -2 plus 2.5 and noise, and sometimes no verdict at all."""
    met = verdict(KNOWLEDGE, asked["criterion"], asked["answer"])
    noise = deviate(0, asked["criterion"], asked["answer"])
    if noise > 1.8:
        return output("perhaps")
    return output("yes", 1 / (1 + math.exp(-((2.0 if met else -2.0) + 2.5 + noise))))


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    file = tmp_path / "registry.toml"
    file.write_bytes(PACKAGED.read_bytes())
    return file


def test_a_lenient_judge_is_audited_and_its_threshold_raised(
    inspect_home: Path, tmp_path: Path, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "audit"
    asked = options(
        "miniclinic", "--n", 5, "--out", out, "--model", BUNDLED, "--write-registry", registry, "--concurrent", 64
    )
    assert run(asked, judge(lenient)) == 0
    report, page = json.loads((out / "audit.json").read_text()), (out / "audit.html").read_text()
    assert report["items"] == report["table"]["n"] + report["unscored"]
    assert 0 < report["unscored"] < 10
    assert report["facts"]["prompt"].startswith("verdict:compact@")
    assert report["figures"]["recall"]["mean"] > report["figures"]["specificity"]["mean"]
    assert report["groups"]["axis:accuracy"]["kappa"]["n"] > 10
    chosen = report["choice"]["threshold"]
    assert load_registry(registry).entry(BUNDLED).verdict_threshold == chosen > 0.6
    told = json.loads((out / "threshold.json").read_text())
    assert (told["old"], told["new"], told["forced"], told["model"]) == (0.5, chosen, False, BUNDLED)
    assert told["gain"] == report["choice"]["gain"]
    assert "Reliability curve" in page
    assert "<script" not in page
    assert "kappa" in capsys.readouterr().out


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Five questions with two criteria each, one met."""
    rows = [
        {
            "id": f"{n}-{met}",
            "prompt": [{"role": "user", "content": f"Question {n}"}],
            "answer": "An answer.",
            "criterion": f"Says {met} of {n}",
            "points": 3,
            "met": met,
            "labelled_by": "expert",
        }
        for n in range(5)
        for met in (True, False)
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def honest(asked: Mapping[str, Any]) -> ModelOutput:
    return output("yes", 0.8 if "True" in asked["criterion"] else 0.3)


def lazy(asked: Mapping[str, Any]) -> ModelOutput:
    return output("yes", 0.9)


def test_a_threshold_without_a_sure_gain_is_refused_unless_forced(
    inspect_home: Path, tmp_path: Path, registry: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [labels, "--out", tmp_path / "audit", "--model", BUNDLED, "--write-registry", registry]
    before = registry.read_bytes()
    assert run(options(*given), judge(honest)) == 1
    assert registry.read_bytes() == before
    assert "may be none" in capsys.readouterr().err

    def never(asked: Mapping[str, Any]) -> ModelOutput:
        raise AssertionError("asked again")

    assert run(options(*given, "--force"), judge(never)) == 0
    assert json.loads((tmp_path / "audit" / "threshold.json").read_text())["forced"] is True


def test_other_labels_never_get_an_earlier_runs_verdicts(inspect_home: Path, tmp_path: Path, labels: Path) -> None:
    out = tmp_path / "audit"
    assert run(options(labels, "--out", out), judge(honest)) == 0
    assert json.loads((out / "audit.json").read_text())["figures"]["accuracy"]["mean"] == 1.0
    labels.write_text(labels.read_text().replace('"met": true', '"met": false'), encoding="utf-8")
    assert run(options(labels, "--out", out), judge(honest)) == 0
    assert json.loads((out / "audit.json").read_text())["figures"]["accuracy"]["mean"] == 0.5


def test_a_judge_that_fails_stops_the_audit_and_the_same_command_goes_on(
    inspect_home: Path, tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def failing(payload: Mapping[str, Any]) -> ModelOutput:
        if len(asked) >= 4:
            raise ConnectionError("the judge is away")
        asked.append(payload["criterion"])
        return honest(payload)

    given = options(labels, "--out", tmp_path / "audit", "--concurrent", 1)
    assert run(given, judge(failing)) == 2
    assert "the judge is away" in capsys.readouterr().err
    again: list[str] = []

    def back(payload: Mapping[str, Any]) -> ModelOutput:
        again.append(payload["criterion"])
        return honest(payload)

    assert run(given, judge(back)) == 0
    assert sorted(asked + again) == sorted(f"Says {met} of {n}" for n in range(5) for met in (True, False))


def test_the_verdicts_of_a_log_are_audited_without_asking(inspect_home: Path, tmp_path: Path, labels: Path) -> None:
    out = tmp_path / "audit"
    assert run(options(labels, "--out", out), judge(honest), judge(lazy, "second")) == 0
    first = json.loads((out / "audit.json").read_text())
    assert first["second"]["differences"]["accuracy"]["interval"]["mean"] == 0.5
    [log] = (out / "asked").rglob("*.eval")
    assert run(options(labels, "--log", log, "--out", tmp_path / "again"), None) == 0
    second = json.loads((tmp_path / "again" / "audit.json").read_text())
    assert (first["items"], second["items"]) == (10, 10)
    assert second["figures"] == first["figures"]
    assert second["facts"]["verdicts without a label"] == 0


def test_what_cannot_be_done_is_told_in_one_line(
    tmp_path: Path, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", tmp_path / "audit"]
    for given, reason in [
        (["miniclinic", *out], "name a judge"),
        ([tmp_path / "absent.jsonl", *out, "--log", "x.eval"], "absent.jsonl"),
        (["miniclinic", *out, "--write-registry", registry], "needs --model"),
        (["miniclinic", *out, "--write-registry", registry, "--model", "other"], "no entry models.other"),
        (["miniclinic", *out, "--write-registry", registry, "--model", BUNDLED, "--style", "json"], "no probabilities"),
        (
            ["miniclinic", *out, "--write-registry", registry, "--model", BUNDLED, "--threshold", 0.4],
            "leave --threshold",
        ),
        (["miniclinic", *out, "--threshold", 1], "not between 0 and 1"),
        (["miniclinic", *out, "--missed-fault", 0], "above 0"),
    ]:
        assert run(options(*given), None) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1
