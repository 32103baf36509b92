# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.points import Point, points_of, says_unknown


def test_points_are_fields_and_list_items_in_order_and_once() -> None:
    gold = {"性别": "女", "主诉": ["头痛 三天", "头痛三天"], "家族史": ["不详"], "个人史": [" "]}
    assert points_of(gold) == (Point("性别", "女"), Point("主诉", "头痛 三天"), Point("家族史", "不详"))
    assert [point.asked for point in points_of(gold)] == ["性别：女", "主诉：头痛 三天", "家族史：不详"]
    assert [point.is_unknown for point in points_of(gold)] == [False, False, True]


@pytest.mark.parametrize(
    "answer",
    [
        '{"家族史": ["不详"]}',
        '{"家族史 ": "不详。"}',
        '```json\n{"家族史": ["不 详"]}\n```',
        "主诉：头痛\n家族史：不详",
        "**家族史**: 不详。",
    ],
)
def test_unknown_matches_unknown(answer: str) -> None:
    assert says_unknown(answer, "家族史")


@pytest.mark.parametrize(
    "answer",
    [
        '{"家族史": ["不详", "父亲高血压"]}',
        '{"家族史": []}',
        '{"个人史": "不详"}',
        "不详",
        "家族史：高血压，类型不详",
        "大家族史：不详",
        "",
    ],
)
def test_what_does_not_say_unknown(answer: str) -> None:
    assert not says_unknown(answer, "家族史")


@given(st.dictionaries(st.sampled_from(["主诉", "现病史"]), st.lists(st.text(max_size=5), max_size=4)))
def test_repeating_a_gold_answer_adds_no_point(gold: dict[str, list[str]]) -> None:
    assert points_of({name: [*texts, *texts] for name, texts in gold.items()}) == points_of(gold)
