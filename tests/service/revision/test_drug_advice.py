import pytest

from service.revision.drug_advice import drug_advice, maximum_doses, named_drugs, names_maximum
from service.revision.facts import Quantity


@pytest.mark.parametrize(
    ("text", "against", "offered"),
    [
        ("Do not give aspirin to children.", {"aspirin"}, set()),
        ("Give aspirin to children.", set(), {"aspirin"}),
        ("If you use warfarin, do not take ibuprofen.", {"ibuprofen"}, set()),
        ("Do not stop taking warfarin.", set(), {"warfarin"}),
        ("Do not forget to take your warfarin.", set(), {"warfarin"}),
        ("Stop warfarin.", {"warfarin"}, set()),
        ("Avoid aspirin and ibuprofen.", {"aspirin", "ibuprofen"}, set()),
        ("Stay away from ibuprofen in pregnancy.", {"ibuprofen"}, set()),
        ("Use paracetamol instead of ibuprofen.", {"ibuprofen"}, {"paracetamol"}),
        ("Do not give a baby any antihistamine unless prescribed.", {"antihistamine"}, set()),
        ("Aspirin must not be given to children.", {"aspirin"}, set()),
        ("Ibuprofen can harm the unborn child, so it is not for use.", {"ibuprofen"}, set()),
        ("Take paracetamol if the pain does not settle.", set(), {"paracetamol"}),
        ("If paracetamol does not help, see a doctor.", set(), set()),
        ("Take ibuprofen with food, not on an empty stomach.", set(), {"ibuprofen"}),
        ("Take ibuprofen but not for more than 3 days.", set(), {"ibuprofen"}),
        ("Aspirin is quite safe for children.", set(), {"aspirin"}),
        ("Aspirin is not safe for children.", {"aspirin"}, set()),
        ("Rest well.", set(), set()),
    ],
)
def test_advice_on_medicines(text: str, against: set[str], offered: set[str]) -> None:
    read = drug_advice(text)
    assert read.against == against
    assert read.offered == offered


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Never more than 8 tablets a day.", {("8", "tablet")}),
        ("No more than 4 g in 24 hours.", {("4", "g")}),
        ("Do not exceed 3,000 mg.", {("3,000", "mg")}),
        ("The maximum is 0.5 ml.", {("0.5", "ml")}),
        ("Wait no more than 2 hours.", set()),
        ("More than 8 tablets are sold.", set()),
        ("Take 2 tablets.", set()),
    ],
)
def test_maximum_doses(text: str, found: set[tuple[str, str]]) -> None:
    assert maximum_doses(text) == {Quantity(number, unit) for number, unit in found}


def test_a_class_names_its_medicines() -> None:
    among = frozenset({"ibuprofen", "apixaban", "amoxicillin"})
    assert named_drugs("Warns of NSAIDs", among) == {"ibuprofen"}
    assert named_drugs("Mentions apixaban", among) == {"apixaban"}
    assert named_drugs("Is kind", among) == frozenset()


def test_a_maximum_is_named() -> None:
    assert names_maximum("Gives the wrong maximum")
    assert not names_maximum("Gives a dose")
