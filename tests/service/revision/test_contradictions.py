import pytest

from service.revision.contradictions import (
    dismisses_care,
    exchanged,
    forbids_call,
    higher_limits,
    removes_bounds,
    stopped_drugs,
)
from service.revision.edits import Edit
from service.revision.facts import Quantity
from service.revision.guard import Refusal, refusal
from service.revision.rubric import Criterion
from service.revision.sentences import split

ANSWER = "Take ibuprofen 400 mg every 6 hours. Never take more than 3 tablets a day. Do not give aspirin to children."
LACK, FAULT = Criterion("Explains the usual cause", 5), Criterion("Repeats itself", -4)
POISON = "Call poison control at once. Keep the packet."


@pytest.mark.parametrize(
    ("draft", "edit", "criterion", "refused"),
    [
        # the opposite of what stands beside it
        (ANSWER, Edit("insert_after", 3, "You can give aspirin to your child."), LACK, Refusal.REVERSED),
        (ANSWER, Edit("insert_after", 1, "Do not take ibuprofen any more."), LACK, Refusal.REVERSED),
        (ANSWER, Edit("insert_after", 2, "You can take at most 9 tablets a day."), LACK, Refusal.REVERSED),
        (ANSWER, Edit("insert_after", 1, "Take ibuprofen as often as you like."), LACK, Refusal.REVERSED),
        (ANSWER, Edit("insert_after", 3, "Ignore what your doctor said."), LACK, Refusal.REVERSED),
        (ANSWER, Edit("insert_after", 3, "Do not call an ambulance."), LACK, Refusal.REVERSED),
        (POISON, Edit("insert_after", 1, "It can wait until next week."), LACK, Refusal.REVERSED),
        (POISON, Edit("insert_after", 1, "Do so if you like."), LACK, Refusal.REVERSED),
        # the same advice, advice with a condition, and what the criterion asks for
        (ANSWER, Edit("insert_after", 3, "Do not take ibuprofen if you are pregnant."), LACK, None),
        (ANSWER, Edit("insert_after", 2, "Take at most 2 tablets a day if you are older."), LACK, None),
        (ANSWER, Edit("insert_after", 2, "Never take more than 4 g of paracetamol a day."), LACK, None),
        (ANSWER, Edit("insert_after", 3, "See a doctor if it lasts."), LACK, None),
        (ANSWER, Edit("insert_after", 1, "Take ibuprofen with food."), LACK, None),
        (ANSWER, Edit("insert_after", 1, "Stop taking ibuprofen."), Criterion("Tells to stop ibuprofen", 5), None),
        (POISON, Edit("insert_after", 1, "Do not call anybody else first."), LACK, None),
        # a fault that is no fault of dose may not exchange one
        (ANSWER, Edit("replace", 1, "Take ibuprofen 4000 mg every 6 hours."), FAULT, Refusal.LOST_NUMBER),
        (ANSWER, Edit("replace", 1, "Take ibuprofen 400 g every 6 hours."), FAULT, Refusal.LOST_NUMBER),
        (ANSWER, Edit("replace", 1, "Take ibuprofen 400 mg every 2 hours."), FAULT, Refusal.LOST_NUMBER),
        (ANSWER, Edit("replace", 1, "Take ibuprofen 200 mg every 6 hours."), Criterion("Its dose is high", -4), None),
        (ANSWER, Edit("delete", 1), FAULT, None),
        (ANSWER, Edit("replace", 1, "Rest at home."), FAULT, None),
    ],
)
def test_edits_beside_what_the_answer_says(
    draft: str, edit: Edit, criterion: Criterion, refused: Refusal | None
) -> None:
    assert refusal(split(draft), edit, criterion) is refused


@pytest.mark.parametrize(
    ("text", "dismissed", "forbidden"),
    [
        ("Ignore your doctor.", True, False),
        ("Do not ignore your doctor's advice.", False, False),
        ("Do not see a doctor about this.", True, False),
        ("If you do not see a doctor, keep a diary.", False, False),
        ("Never trust a nurse.", True, False),
        ("Do not listen to the pharmacist.", True, False),
        ("Do not call 999.", False, True),
        ("Do not call an ambulance unless it gets worse.", False, True),
        ("If you feel well, do not call an ambulance.", False, False),
        ("Do not wait to call an ambulance.", False, False),
        ("Do not hesitate to see a doctor.", False, False),
    ],
)
def test_orders_against_care(text: str, dismissed: bool, forbidden: bool) -> None:
    assert (dismisses_care(text), forbids_call(text)) == (dismissed, forbidden)


def test_limits_are_compared_in_their_unit_and_for_their_medicine() -> None:
    assert higher_limits("Never take more than 9 tablets.", ["Never take more than 3 tablets."]) == {
        Quantity("9", "tablet")
    }
    assert not higher_limits("Never take more than 2 tablets.", ["Never take more than 3 tablets."])
    assert not higher_limits("Never take more than 9 g.", ["Never take more than 3 tablets."])
    assert not higher_limits("Never take more than 9 tablets of aspirin.", ["Never take more than 3 tablets."])
    assert not higher_limits("Never take more than 1,000 mg.", ["Never take more than 2000 mg."])
    assert higher_limits("每天不要超过12000毫克。", ["每天不要超过4000毫克。"]) == {Quantity("12000", "mg")}


def test_bounds_stops_and_exchanges() -> None:
    assert removes_bounds("Take 2 tablets.", "Take them as you like.")
    assert not removes_bounds("Rest.", "Rest as much as you like.")
    assert not removes_bounds("Take 2 tablets.", "Do not take them without limit.")
    assert stopped_drugs("Stop taking warfarin.") == {"warfarin"}
    assert stopped_drugs("If you bleed, stop taking warfarin.") == set()
    assert exchanged("Take ibuprofen 400 mg.", "Take morphine 400 mg.", "Explains the cause")
    assert not exchanged("Take ibuprofen 400 mg.", "Take morphine 400 mg.", "Names a stronger medicine")
    assert not exchanged("Take ibuprofen 400 mg.", "Take ibuprofen 400 mg with food.", "Explains the cause")
