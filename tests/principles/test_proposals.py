import json
from pathlib import Path

import numpy as np
import pytest

from principles.cli import main
from principles.corpus import CorpusError, load_corpus
from principles.embedding import BundledEmbedder
from principles.proposals import SAME_AS, RubricCriterion, propose, read_criteria
from principles.review_sheet import read_review_sheet
from training.miniclinic.knowledge import load_knowledge

CORPUS = load_corpus()
COVERED_BY = "urgency.red-flags-to-watch"


def row(criterion: str, origin: str = "reviewer", question: str = "q", **changes: object) -> RubricCriterion:
    given: dict[str, object] = {"feedback": "fb-1", "question": question, "criterion": criterion, "points": 5}
    return RubricCriterion.model_validate({**given, "origin": origin, "reviewer": "r1", **changes})


def written(path: Path, rows: list[RubricCriterion]) -> Path:
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in rows), encoding="utf-8")
    return path


def test_what_a_criterion_from_a_principle_asks_for_is_covered() -> None:
    rows = [
        row("Warns that dizziness with blackout is urgent", "drafted", principle_id=COVERED_BY),
        row("Warns that dizziness with a blackout is urgent"),
        row("Names the opening hours of the nearest pharmacy"),
    ]
    found = propose(rows, CORPUS, BundledEmbedder())
    assert [one["statement"] for one in found.rows] == ["Names the opening hours of the nearest pharmacy"]
    assert found.covered == {COVERED_BY: 1}
    assert found.added == 2


def test_the_same_words_as_a_fault_are_another_criterion() -> None:
    rows = [row("Recommends ibuprofen", "drafted", principle_id=COVERED_BY), row("Recommends ibuprofen", points=-8)]
    found = propose(rows, CORPUS, BundledEmbedder())
    assert [(one["polarity"], one["points"]) for one in found.rows] == [("avoid", "-8")]


def test_a_criterion_that_cites_no_principle_covers_nothing() -> None:
    rows = [row("Offers an interpreter", "drafted"), row("Offers an interpreter")]
    assert len(propose(rows, CORPUS, BundledEmbedder()).rows) == 1


def test_a_principle_that_the_reviewer_names_covers() -> None:
    found = propose([row("Offers an interpreter", principle_id=COVERED_BY)], CORPUS, BundledEmbedder())
    assert found.rows == ()
    assert found.covered == {COVERED_BY: 1}


def test_one_meaning_is_one_row_and_questions_are_its_support() -> None:
    rows = [
        row("Offers an interpreter to the family", question="a", points=3),
        row("Offers an interpreter for the family", question="b", points=6, reviewer="r2"),
        row("Offers an interpreter for the family", question="b", points=6, reviewer="r3"),
        row("States the price of the medicine", question="c"),
    ]
    found = propose(rows, CORPUS, BundledEmbedder())
    assert [one["support"] for one in found.rows] == ["2", "1"]
    assert found.rows[0]["points"] == "6"
    assert found.reviewers == 3
    assert [len(propose(rows, CORPUS, BundledEmbedder(), min_support=n).rows) for n in (1, 2, 3)] == [2, 1, 0]


def test_half_points_never_become_zero() -> None:
    rows = [row("Offers an interpreter", points=-1), row("Offers an interpreter", points=-2)]
    assert propose(rows, CORPUS, BundledEmbedder()).rows[0]["points"] == "-2"


def test_other_wordings_are_found_as_often_as_the_docstring_says() -> None:
    items = [(key, text) for key, item in load_knowledge().items.items() for text in item.criterion]
    vectors = BundledEmbedder()([text for _, text in items])
    keys = np.array([key for key, _ in items])
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    own = np.where(keys[:, None] == keys[None, :], alike, -1).max(axis=1)
    assert float((own >= SAME_AS).mean()) == pytest.approx(0.82, abs=0.01)


def test_the_sheet_is_read_back_once_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row("Offers an interpreter for the family")]
    source, sheet = written(tmp_path / "criteria.jsonl", rows), tmp_path / "sheet.csv"
    assert main(["propose", str(source), "--output", str(sheet)]) == 0
    assert "1 criteria from 1 reviewers; 1 proposals" in capsys.readouterr().out
    assert read_review_sheet(sheet).undecided == 1
    decided = sheet.read_text(encoding="utf-8-sig").splitlines()
    decided[1] = "accept,dr-a,2026-01-02" + decided[1].removeprefix(",,")
    sheet.write_text("\n".join(decided), encoding="utf-8")
    with pytest.raises(CorpusError, match="row 2: why"):
        read_review_sheet(sheet)
    decided[1] = decided[1].replace(
        "Offers an interpreter for the family,,", "Offers an interpreter for the family,Says,"
    )
    sheet.write_text("\n".join(decided), encoding="utf-8")
    assert [one.statement for one in read_review_sheet(sheet).corpus.principles] == [rows[0].criterion]


def test_a_sheet_with_decisions_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, sheet = written(tmp_path / "criteria.jsonl", [row("Offers an interpreter")]), tmp_path / "sheet.csv"
    sheet.write_text("decided", encoding="utf-8")
    assert main(["propose", str(source), "--output", str(sheet)]) == 1
    assert "may hold decisions" in capsys.readouterr().err
    assert sheet.read_text(encoding="utf-8") == "decided"


def test_json_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path / "criteria.jsonl", [row("Offers an interpreter")])
    assert main(["propose", str(source), "--output", str(tmp_path / "s.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["covered"], len(told["proposals"])) == (1, {}, 1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("{", "line 1: not JSON"), ("{}", "line 1: feedback"), ("", "no criteria")],
)
def test_faults_name_the_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "criteria.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=fault):
        read_criteria(path)
