import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.evaluation.mlb.made import row_of
from training.evaluation.mlb.disputes import applied, disputes_of, judges_agree, sha_of
from training.evaluation.mlb.sheets import COLUMNS, read_sheet, write_jsonl, write_sheet
from training.evaluation.mlb.verdicts import joined
from training.evaluation.rows import Row


def judged(name: str, *met: Sequence[bool | None], dataset: str = "MADiagnosis", answer: str = "答") -> Row:
    """A row whose criteria 点0, 点1, ... got these judges' words."""
    roles = ("grader", "second_grader", "third_grader")
    verdicts = [
        joined(
            f"点{place}",
            [
                {"role": role, "met": value, "raw": "-1,0" if value is False else "是", "failed": None}
                for role, value in zip(roles, values, strict=False)
            ],
        )
        for place, values in enumerate(met)
    ]
    score = None if any(verdict["met"] is None for verdict in verdicts) else 1.0
    return row_of(name, dataset, {"score": score}, verdicts=verdicts, answer=answer, combination="veto")


def filled(path: Path, decisions: dict[tuple[str, str], str]) -> None:
    """Write decisions into a sheet as an expert does."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row | {"decision": decisions.get((row["sample"], row["criterion"]), "")} for row in rows)


def test_a_dispute_goes_to_experts_and_comes_back(tmp_path: Path) -> None:
    rows = [judged("一", (True, False), (True, True)), judged("二", (None, True)), judged("三", (False, False))]
    disputes = disputes_of(rows)
    assert [(dispute.about.sample, dispute.about.criterion, dispute.reason) for dispute in disputes] == [
        ("一", "点0", "disagreed"),
        ("二", "点0", "unreadable"),
    ]
    write_sheet(tmp_path / "sheet.csv", disputes)
    filled(tmp_path / "sheet.csv", {("一", "点0"): " 否 "})
    decisions, faults = read_sheet(tmp_path / "sheet.csv")
    assert faults == []
    settled = applied(rows, decisions)
    assert [row.score for row in settled.rows] == [0.5, None, 1.0]
    assert (settled.settled, settled.still_open, settled.unmatched) == (1, 1, 0)
    assert settled.rows[0].verdicts[0]["by"] == "experts"
    assert settled.rows[0].unscored == 0
    assert rows[0].score is None
    assert rows[0].verdicts[0]["met"] is None


def test_six_values_are_joined_again_as_the_run_joined_them(tmp_path: Path) -> None:
    agreed = [(True, True)] * 5
    row = judged("一", (True, False), *agreed, dataset="MAEthic")
    write_sheet(tmp_path / "sheet.csv", disputes_of([row]))
    filled(tmp_path / "sheet.csv", {("一", "点0"): "yes"})
    decisions, _ = read_sheet(tmp_path / "sheet.csv")
    assert applied([row], decisions).rows[0].score == 1.0
    other = replace(row, metadata={**row.metadata, "combination": "mean_of_six"})
    filled(tmp_path / "sheet.csv", {("一", "点0"): "no"})
    decisions, _ = read_sheet(tmp_path / "sheet.csv")
    assert applied([row], decisions).rows[0].score == 0.0
    assert applied([other], decisions).rows[0].score == pytest.approx(5 / 6)


def test_a_decision_holds_for_its_answer_only(tmp_path: Path) -> None:
    draft, guided = judged("一", (True, False)), judged("一", (True, False), answer="另答")
    write_sheet(tmp_path / "sheet.csv", disputes_of([draft]))
    filled(tmp_path / "sheet.csv", {("一", "点0"): "是"})
    decisions, _ = read_sheet(tmp_path / "sheet.csv")
    assert applied([draft], decisions).rows[0].score == 1.0
    other = applied([guided], decisions)
    assert (other.rows, other.settled, other.still_open, other.unmatched) == ((guided,), 0, 1, 1)
    assert sha_of("答") != sha_of("另答")


def test_cells_cannot_become_formulas(tmp_path: Path) -> None:
    row = judged("=1+1", (True, False), answer='=HYPERLINK("x")')
    write_sheet(tmp_path / "sheet.csv", disputes_of([row]))
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "sheet.csv").open(encoding="utf-8-sig", newline="") as file:
        (written,) = csv.DictReader(file)
    assert written["answer"] == '\'=HYPERLINK("x")'
    assert (written["grader"], written["second_grader"], written["third_grader"]) == ("是", "'-1,0", "")
    filled(tmp_path / "sheet.csv", {("'=1+1", "点0"): "是"})
    decisions, _ = read_sheet(tmp_path / "sheet.csv")
    assert applied([row], decisions).settled == 1


def test_faults_by_line(tmp_path: Path) -> None:
    rows = [judged("一", (True, False), answer="两\n行"), judged("二", (True, False))]
    write_sheet(tmp_path / "sheet.csv", [*disputes_of(rows), *disputes_of(rows[:1])])
    filled(tmp_path / "sheet.csv", {("一", "点0"): "是", ("二", "点0"): "maybe"})
    decisions, faults = read_sheet(tmp_path / "sheet.csv")
    assert [(decision.about.sample, decision.line) for decision in decisions] == [("一", 3)]
    assert [str(fault) for fault in faults] == ["line 4: 'maybe' is none of 是, yes, 否, no"]
    text = (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig").replace("maybe", "否")
    head, tail = text.rsplit(",是", 1)
    (tmp_path / "sheet.csv").write_text(f"{head},否{tail}", encoding="utf-8-sig")
    decisions, faults = read_sheet(tmp_path / "sheet.csv")
    assert [decision.about.sample for decision in decisions] == ["二"]
    assert [str(fault) for fault in faults] == ["line 6: contradicts line 3"]


def test_a_sheet_without_its_columns(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("dataset,sample,criterion,answer_sha\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"sheet\.csv has no column decision"):
        read_sheet(tmp_path / "sheet.csv")


def test_disputes_as_json_lines(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "disputes.jsonl", disputes_of([judged("一", (True, False))]))
    (line,) = (tmp_path / "disputes.jsonl").read_text(encoding="utf-8").splitlines()
    told: dict[str, Any] = json.loads(line)
    assert told["about"] == {"dataset": "MADiagnosis", "sample": "一", "criterion": "点0", "answer_sha": sha_of("答")}
    assert [judge["met"] for judge in told["judges"]] == [True, False]
    assert (told["question"], told["answer"], told["reason"]) == ("问", "答", "disagreed")


def test_how_often_the_judges_agree() -> None:
    pairs = [(True, True)] * 4 + [(False, False)] * 3 + [(True, False)] * 2 + [(False, True)] + [(None, True)]
    found = judges_agree([judged("一", *pairs), judged("二", (True,))])
    assert found.n == 10
    assert found.rate == pytest.approx(0.7)
    # First judge met 6 of 10, second 5 of 10: chance .6 x .5 + .4 x .5 = .5; kappa (.7 - .5) / .5.
    assert found.kappa == pytest.approx(0.4)
    assert judges_agree([judged("一", (True,))]).n == 0
