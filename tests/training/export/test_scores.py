from pathlib import Path

import pytest

from training.data.files import FaultyRow
from training.export.scores import CaseScore, ScoresError, read_scores, scores_of, write_scores
from training.miniclinic.evaluate import ARMS, Judged, Result

RESULT = Result(
    seed=2000,
    question="?",
    answers=dict.fromkeys(ARMS, "a"),
    scores={"draft": 0.5, "guided": 0.75, "no_principles": 0.5, "length_matched": 0.5},
    verdicts=(Judged("A", True, True), Judged("B", False, True)),
    unknown_criteria=0,
    unscored=3,
    outcome="revised",
    edits=0,
    applied=0,
    principles_cited=0,
    criteria=5,
)


def test_results_become_scores_and_come_back_from_the_file(tmp_path: Path) -> None:
    [row] = scores_of([RESULT])
    assert row == CaseScore(id="heldout-2000", guided=0.75, draft=0.5, verdicts=2, right=1, unscored_verdicts=3)
    write_scores(tmp_path / "scores.jsonl", [row])
    assert read_scores(tmp_path / "scores.jsonl") == [row]


def test_unscored_is_null(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text('{"id": "a", "guided": null}\n', encoding="utf-8")
    assert read_scores(file) == [CaseScore(id="a", guided=None)]


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ('{"id": "a", "guided": 1}\n{"id": "b"}\n', FaultyRow, r"scores\.jsonl:2: guided"),
        ('{"id": "a", "guided": 1, "note": 2}\n', FaultyRow, "note"),
        ('{"id": "a", "guided": NaN}\n', FaultyRow, "guided"),
        ('{"id": "a", "guided": 1}\n{"id": "a", "guided": 1}\n', ScoresError, "'a' comes twice"),
        ('{"id": "a", "guided": 1, "verdicts": 1, "right": 2}\n', ScoresError, "2 right of 1 verdicts"),
        ("", ScoresError, "holds no row"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, error: type[Exception], named: str) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=named):
        read_scores(file)
