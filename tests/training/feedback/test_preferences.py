import pytest

from tests.training.feedback.records import record, revision
from training.feedback.labels import judge_labels
from training.feedback.preferences import comparisons, counterparts, preferred_chat, query
from training.feedback.usable import LeftOut, Unusable, reviewed


def test_the_preferred_answer_is_better_than_each_other() -> None:
    found = reviewed(record(preferred="own_edit", own_edit="Call an ambulance now."))
    rows = list(comparisons(found))
    assert [(row.first.text, row.second.model, row.better) for row in rows] == [
        ("Call an ambulance now.", "draft", "first"),
        ("Call an ambulance now.", "revision", "first"),
    ]
    assert {row.compared_by for row in rows} == {"ward-app:r-17"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"preferred": "neither"}, LeftOut.NEITHER), ({"revision": revision(answer="Rest. Wait.")}, LeftOut.SAME_ANSWER)],
)
def test_no_comparison_is_made_up(changes: dict[str, object], reason: LeftOut) -> None:
    with pytest.raises(Unusable) as caught:
        list(comparisons(reviewed(record(**changes))))
    assert caught.value.reason is reason


def test_a_preferred_answer_is_what_is_learnt() -> None:
    chat = preferred_chat(reviewed(record(preferred="draft")))
    assert [(m.role, m.content) for m in chat.messages] == [("user", "My chest hurts."), ("assistant", "Rest. Wait.")]
    assert chat.last_turn_only


def test_question_and_counterparts_share_an_id() -> None:
    found = reviewed(record())
    assert query(found).id == counterparts(found).prompt_id == "fb-1"
    assert {c.label: c.answer for c in counterparts(found).counterparts} == {
        "draft": "Rest. Wait.",
        "revision": "Rest. Call an ambulance.",
    }


def test_a_label_is_what_the_reviewer_said_and_silence_is_none() -> None:
    verdicts = [
        {"criterion": 1, "subject": "draft", "met": False},
        {"criterion": 1, "subject": "revision", "met": True},
    ]
    rows = list(judge_labels(reviewed(record(verdicts=verdicts))))
    assert [(row.id, row.answer, row.met, row.points) for row in rows] == [
        ("fb-1-draft-1", "Rest. Wait.", False, 9),
        ("fb-1-revision-1", "Rest. Call an ambulance.", True, 9),
    ]
    assert rows[0].criterion == "Says to call an ambulance"


def test_a_verdict_on_no_criterion_is_no_label() -> None:
    found = reviewed(record(verdicts=[{"criterion": 9, "subject": "draft", "met": True}]))
    with pytest.raises(Unusable):
        list(judge_labels(found))
