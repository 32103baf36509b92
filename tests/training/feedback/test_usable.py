import pytest

from tests.training.feedback.records import record, revision
from training.feedback.usable import LeftOut, Unusable, reviewed


def test_a_whole_record_has_question_answers_and_rubric() -> None:
    found = reviewed(record())
    assert [message.content for message in found.prompt] == ["My chest hurts."]
    assert found.answers == {"draft": "Rest. Wait.", "revision": "Rest. Call an ambulance."}
    assert found.preferred == "revision"
    assert found.reviewer == "ward-app:r-17"
    assert len(found.criteria) == 3


def test_an_accepted_draft_is_one_answer() -> None:
    found = reviewed(record(revision=revision(answer="Rest. Wait.")))
    assert (found.answers, found.preferred, found.revised) == ({"draft": "Rest. Wait."}, "draft", "Rest. Wait.")


def test_an_own_edit_that_changes_nothing_is_the_answer_it_repeats() -> None:
    found = reviewed(record(preferred="own_edit", own_edit="Rest. Call an ambulance."))
    assert (sorted(found.answers), found.preferred) == (["draft", "revision"], "revision")


def test_a_developer_turn_is_a_system_turn() -> None:
    turns = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "My chest hurts."}]
    assert reviewed(record(messages=turns)).prompt[0].role == "system"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"content": "withheld", "messages": None, "revision": None}, LeftOut.WITHHELD),
        ({"messages": None}, LeftOut.NO_MESSAGES),
        ({"revision": None}, LeftOut.NO_REVISION),
        ({"messages": [{"role": "tool", "content": "x"}]}, LeftOut.CONVERSATION),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, LeftOut.CONVERSATION),
        ({"revision": revision(answer=" ")}, LeftOut.EMPTY),
    ],
)
def test_what_lacks_something_is_left_out_by_name(changes: dict[str, object], reason: LeftOut) -> None:
    with pytest.raises(Unusable) as caught:
        reviewed(record(**changes))
    assert caught.value.reason is reason
