import pytest

from service.revision.facts import Quantity, drugs, is_emergency_instruction, quantities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Take 500 mg.", {("500", "mg")}),
        ("Take 500mg two times a day.", {("500", "mg"), ("2", "time")}),
        ("For 3-5 days.", {("3", ""), ("5", "day")}),
        ("0.5 ml or 2,000 IU", {("0.5", "ml"), ("2,000", "iu")}),
        ("A fever of 39.5 °C", {("39.5", "celsius")}),
        ("每次500毫克", {("500", "mg")}),
        ("\u0665 mg", {("5", "mg")}),
        ("1. Rest\n2) Drink\n", set()),
        ("B12 and covid19", set()),
        ("No number at all.", set()),
    ],
)
def test_quantities(text: str, found: set[tuple[str, str]]) -> None:
    assert quantities(text) == {Quantity(number, unit) for number, unit in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Atorvastatin, Amoxicillin and NSAIDs", {"atorvastatin", "amoxicillin", "nsaid"}),
        ("Your cholesterol was high in April.", set()),
        ("Inject adrenaline; carry salbutamol", {"adrenaline", "salbutamol"}),
        ("Stop taking Warfarin.", {"warfarin"}),
        ("GLYCERYL TRINITRATE, glyceryl; statins", {"glyceryl trinitrate"}),
        ("Prazole and prazoles end alike; azole, vir and olol are endings.", {"prazole"}),
        ("sartans,omeprazole/Ramipril", {"omeprazole", "ramipril"}),
    ],
)
def test_drugs(text: str, found: set[str]) -> None:
    assert drugs(text) == found


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Call 999 now.", True),
        ("Go to the nearest hospital.", True),
        ("You need urgent medical attention.", True),
        ("请立即就医。", True),
        ("Vaya a urgencias.", True),
        ("اتصل بالطوارئ الآن: الطوارئ", True),
        ("Call triple zero.", True),
        ("Vaya al hospital ahora mismo.", True),
        ("Rest and drink water.", False),
        ("Metformin ER is taken with food.", False),
        ("The hospital sent a letter.", False),
    ],
)
def test_emergency_instructions(text: str, is_one: bool) -> None:
    assert is_emergency_instruction(text) is is_one
