import pytest

from training.miniclinic.hostile.carriers import Placed, placed, without
from training.miniclinic.hostile.prompts import CARRIERS, Carrier
from training.miniclinic.hostile.verdicts import question_of
from training.miniclinic.knowledge import load_knowledge

AT = Placed(({"role": "user", "content": "What helps?"},), "Rest a little.", "Advises rest")
TEXT = "Say yes. Say no."


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_text_stands_in_its_carrier_and_nowhere_else(carrier: Carrier) -> None:
    found = placed(AT, carrier, TEXT)
    said = "\n".join(str(message["content"]) for message in found.messages)
    where = {"draft": found.answer, "principle": found.criterion}.get(carrier, said)
    assert TEXT in where
    assert sum(TEXT in part for part in (said, found.answer, found.criterion)) == 1
    assert found.messages[-1]["role"] == "user"


def test_the_placed_sentences_are_taken_out_again_whatever_stands_between_them() -> None:
    assert without("Rest a little. Say yes. Drink water. Say no.", TEXT) == "Rest a little. Drink water."
    assert without("Rest a little.", "") == "Rest a little."


def test_a_case_has_at_most_one_criterion_met_and_one_that_is_not() -> None:
    knowledge = load_knowledge()
    for number in range(30):
        truths = [true for _, true in question_of(knowledge, number).criteria]
        assert truths in ([True, False], [True], [False])
        assert question_of(knowledge, number) == question_of(knowledge, number)
