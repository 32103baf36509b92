# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold

import pytest

from training.data.kept import lost_facts
from training.data.medicines import medicines


@pytest.mark.parametrize(
    ("raw", "expanded", "lost"),
    [
        ("5 mg/kg", "Give 5 mg per dose.", ["lost_unit 5 mg/kg"]),
        ("1,000 mg", "Take 1000 mg.", []),
        ("1000 mg", "Take 1,000 mg.", []),
        ("1500 IU vitamin D", "Take 1500 IU of vitamin D.", []),
        ("10 mm nodule", "A nodule of 10 cm.", ["lost_unit 10 mm"]),
        ("glucose 5.9 mmol/L", "Glucose was 5.9 mmol/l.", []),
        ("glucose 5.9 mmol/L", "Glucose was 9.5 mmol/L.", ["lost_number 5.9 mmol", "lost_number 5.9 mmol/l"]),
        ("twice daily", "Take it every day.", ["lost_number twice"]),
        ("two tablets", "Take 2 tablets.", []),
        ("take nurofen", "Take ibuprofen.", ["lost_drug nurofen"]),
        ("warfarin and aspirin", "Aspirin.", ["lost_drug warfarin"]),
        ("一日三次，每次两片", "每天3次，每次2片。", []),
        ("一日三次", "每天按时服用。", ["lost_number 3 次"]),
        ("阿莫西林500毫克", "抗生素500毫克。", ["lost_drug 阿莫西林"]),
        ("no facts here", "None.", []),
    ],
)
def test_what_the_expanded_reply_lost(raw: str, expanded: str, lost: list[str]) -> None:
    assert [f"{found.kind} {found.fact}" for found in lost_facts(raw, expanded)] == lost


def test_medicines_are_found_by_stem_brand_and_chinese_name() -> None:
    assert medicines("Swap Lipitor for atorvastatin, 布洛芬 as needed") == {"lipitor", "atorvastatin", "布洛芬"}
