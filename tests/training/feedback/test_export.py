import json
from pathlib import Path

import pytest

from principles.proposals import read_criteria
from tests.training.feedback.records import by, line, record, revision
from training.__main__ import main
from training.data.files import read_records
from training.data.judge_labels import JudgeLabel
from training.data.rubrics import HealthRubric
from training.feedback.export import export
from training.feedback.reading import ExportError, read_export
from training.trl_adapter.chats import read_conversations, read_labels

VERDICT = [{"criterion": 1, "subject": "draft", "met": False}]


def question(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"My chest hurts, {number}."}]


def test_trainers_read_what_is_written(tmp_path: Path) -> None:
    records = [record(id=f"fb-{n}", patient=f"p-{n}", messages=question(n), verdicts=VERDICT) for n in range(40)]
    found = export(records, tmp_path, 0.25)
    sides = {side: found.rows[side]["rubrics"] for side in ("train", "held_out")}
    assert sum(sides.values()) == 40
    assert min(sides.values()) > 0
    assert len(read_conversations(tmp_path / "train" / "rubrics.jsonl").rows) == sides["train"]
    assert len(read_conversations(tmp_path / "train" / "chats.jsonl").rows) == sides["train"]
    assert len(read_labels(tmp_path / "held_out" / "labels.jsonl")) == sides["held_out"]
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert told["rows"] == found.rows


def test_no_patient_is_on_both_sides(tmp_path: Path) -> None:
    records = [record(id=f"fb-{n}", patient=f"p-{n // 2}", messages=question(n)) for n in range(60)]
    export(records, tmp_path, 0.3)
    patients = {one.id: one.patient for one in records}
    sides = [
        {patients[row.id] for row in read_records(tmp_path / side / "rubrics.jsonl", HealthRubric)}
        for side in ("train", "held_out")
    ]
    assert not sides[0] & sides[1]


def test_both_of_a_conflict_are_kept_and_listed(tmp_path: Path) -> None:
    records = [
        record(id="a", reviewer=by("r1"), verdicts=[{"criterion": 1, "subject": "draft", "met": True}]),
        record(id="b", reviewer=by("r2"), verdicts=[{"criterion": 1, "subject": "draft", "met": False}]),
    ]
    found = export(records, tmp_path, 0.0)
    labels = list(read_records(tmp_path / "train" / "labels.jsonl", JudgeLabel))
    assert {(row.labelled_by, row.met) for row in labels} == {("ward-app:r1", True), ("ward-app:r2", False)}
    assert found.rows["train"]["queries"] == 1
    assert found.agreement["verdicts"]["agreed"] == 0.0
    listed = [json.loads(one) for one in (tmp_path / "conflicts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(one["about"], one["unit"]) for one in listed] == [("verdicts", "rev-1/draft/1")]


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    records = [
        record(id="a", content="withheld", messages=None, revision=None),
        record(id="b", preferred="neither"),
        record(id="c", messages=question(2), revision=revision(answer="Rest. Wait.")),
        record(id="d", messages=question(3), revision=revision(answer="Bell \x07")),
    ]
    found = export(records, tmp_path, 0.0)
    assert found.left_out["all"] == {"content_withheld": 1}
    assert found.left_out["comparisons"] == {
        "neither_is_preferred": 1,
        "answers_are_the_same": 1,
        "text_that_training_refuses": 1,
    }
    assert found.rows["train"]["rubrics"] == 1


def test_criteria_are_what_principles_propose_reads(tmp_path: Path) -> None:
    export([record(rubric=[{"action": "add", "text": "Offers an interpreter", "points": 3}])], tmp_path, 0.0)
    rows = read_criteria(tmp_path / "criteria.jsonl")
    assert [(row.origin, row.criterion, row.reviewer) for row in rows][-1] == (
        "reviewer",
        "Offers an interpreter",
        "ward-app:r-17",
    )
    assert next(row.principle_id for row in rows if row.origin == "drafted") == "urgency.red-flags-to-watch"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{}", "line 1: no record of this version"),
        (line(preferred="both"), "line 1: no record of this version: preferred"),
        (f"{line()}\n{line()}", "line 2: the id of an earlier record"),
        (f'{line()}\n{{"error": {{"message": "gone"}}}}', "line 2: the gateway broke off"),
    ],
)
def test_an_export_is_taken_whole_or_not_at_all(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExportError, match=fault) as caught:
        read_export(str(path))
    assert "chest" not in str(caught.value)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "export.jsonl"
    source.write_text(line(verdicts=VERDICT) + "\n", encoding="utf-8")
    assert main(["feedback", "export", str(source), "--out", str(tmp_path / "out"), "--held-out", "0"]) == 0
    told = capsys.readouterr().out
    assert "1 feedback records" in told
    assert "preferred: nothing was reviewed twice" in told
    assert main(["feedback", "export", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1
    assert "error: " in capsys.readouterr().err
