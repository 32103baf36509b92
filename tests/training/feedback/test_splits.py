import pytest

from tests.training.feedback.records import record
from training.feedback.splits import held_out_ids
from training.feedback.usable import Reviewed, reviewed


def row(number: int, patient: str | None, question: str) -> Reviewed:
    messages = [{"role": "user", "content": question}]
    return reviewed(record(id=f"fb-{number}", patient=patient, messages=messages))


def test_a_patients_feedback_is_on_one_side() -> None:
    rows = [row(n, f"p-{n // 4}", f"question {n}") for n in range(2000)]
    apart = held_out_ids(rows, 0.2)
    sides = {one.record.patient: one.record.id in apart for one in rows}
    assert all(sides[one.record.patient] == (one.record.id in apart) for one in rows)
    assert 0.14 < len(apart) / len(rows) < 0.26


def test_a_question_that_two_patients_ask_joins_them() -> None:
    for n in range(50):
        rows = [row(1, f"a-{n}", "one"), row(2, f"a-{n}", "two"), row(3, f"b-{n}", "two"), row(4, f"b-{n}", "three")]
        assert len(held_out_ids(rows, 0.5)) in (0, 4)


def test_what_comes_later_moves_nobody() -> None:
    rows = [row(n, f"p-{n}", f"question {n}") for n in range(300)]
    before = held_out_ids(rows, 0.3)
    after = held_out_ids([*rows, *(row(n, f"p-{n}", f"question {n}") for n in range(300, 600))], 0.3)
    assert before == {id_ for id_ in after if int(id_.removeprefix("fb-")) < 300}


def test_without_a_patient_the_question_counts() -> None:
    rows = [row(n, None, f"question {n % 100}") for n in range(300)]
    apart = held_out_ids(rows, 0.3)
    assert len(apart) % 3 == 0
    assert apart


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="not in"):
        held_out_ids([], share)


def test_none_held_out() -> None:
    assert held_out_ids([row(1, "p", "q")], 0.0) == frozenset()
