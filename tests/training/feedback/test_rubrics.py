import pytest

from tests.training.feedback.records import CRITERIA, record, revision
from training.data.rubrics import HealthRubric
from training.feedback.rubrics import health_rubric
from training.feedback.usable import LeftOut, Unusable, reviewed

EDITS = [
    {"action": "add", "text": "Asks about allergies", "points": 5, "principle": None},
    {"action": "remove", "criterion": 1},
    {"action": "change", "criterion": 3, "points": -9},
    {"action": "change", "criterion": 2, "text": "Asks when and how the pain began"},
    {"action": "add", "text": "Reassures without reason", "points": -6, "principle": "urgency.red-flags-to-watch"},
]


def made(**changes: object) -> HealthRubric:
    return health_rubric(reviewed(record(**changes)))


def test_the_log_leads_from_the_written_rubric_to_the_reviewers() -> None:
    row = made(rubric=EDITS)
    assert [(c.criterion, c.points, c.axis) for c in row.edited_rubric] == [
        ("Asks when and how the pain began", 4, "context_awareness"),
        ("Recommends ibuprofen", -9, "completeness"),
        ("Asks about allergies", 5, "completeness"),
        ("Reassures without reason", -6, "accuracy"),
    ]
    assert [c.criterion for c in row.drafted_rubric] == [c["text"] for c in CRITERIA]
    assert [edit.operation for edit in row.edit_log] == ["replace", "replace", "delete", "insert_after", "insert_after"]


def test_candidates_and_preference() -> None:
    row = made(preferred="own_edit", own_edit="Call an ambulance now.")
    assert [(c.id, c.model) for c in row.candidates] == [
        ("draft", "preceptor"),
        ("revision", "preceptor"),
        ("own_edit", None),
    ]
    assert row.preference == "own_edit"
    assert (row.drafted_by, row.edited_by) == ("full@0123abcd", "r-17")


def test_neither_is_a_tie() -> None:
    assert made(preferred="neither").preference == "tie"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revision": revision(answer="Rest. Wait.")}, LeftOut.SAME_ANSWER),
        ({"revision": revision(criteria=[])}, LeftOut.NO_CRITERIA),
        ({"rubric": [{"action": "remove", "criterion": 9}]}, LeftOut.RUBRIC),
        ({"rubric": [{"action": "remove", "criterion": 1}, {"action": "remove", "criterion": 2}]}, LeftOut.RUBRIC),
        ({"rubric": [{"action": "add", "text": "Recommends ibuprofen", "points": 3}]}, LeftOut.RUBRIC),
    ],
)
def test_a_rubric_that_is_none_is_left_out(changes: dict[str, object], reason: LeftOut) -> None:
    with pytest.raises(Unusable) as caught:
        made(**changes)
    assert caught.value.reason is reason
