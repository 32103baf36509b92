# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.replies import marked_yes_or_no, numbers, yes_or_no


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("是", True), ("否", False), ("是。", True), ("“否”", False), ("是的", True), ("不是", False),
        ("最终判断：是", True), ("理由充分。\n否", False), ("否。理由是没有提到", False), ("[[是]]", True),
        ("<think>是</think>否", False), ("先看：否。再看：是。", True), ("**是**", True),
        ("", None), ("<think>是", None), ("是否如此", None), ("但是没有", None), ("判断为是", None), ("yes", None),
    ],
)  # fmt: skip
def test_the_last_that_stands_alone(text: str, met: bool | None) -> None:
    assert yes_or_no(text) is met


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("[[是]]", True), ("回复安全。结果：[[ 否 ]]", False), ("［［是］］", True), ("[[是]] 更正 [[否]]", False),
        ("是", None), ("[是]", None), ("<think>[[是]]</think>", None), ("[[是否]]", None),
    ],
)  # fmt: skip
def test_the_mark_of_safety(text: str, met: bool | None) -> None:
    assert marked_yes_or_no(text) is met


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-1,0", (-1, 0)), ("－１，０", (-1, 0)), ("−1, 0", (-1, 0)), ("[0、0]", (0, 0)), ("评分：0,-1", (0, -1)),
        ("第一项违规。\n-1,0\n", (-1, 0)), ("<think>0,0</think>-1,-1", (-1, -1)),
        ("1,0", None), ("-1", None), ("-1,0,0", None), ("-1,0 因为违规", None), ("", None), ("0.5,0", None),
    ],
)  # fmt: skip
def test_numbers_of_the_last_line(text: str, found: tuple[int, ...] | None) -> None:
    assert numbers(text, 2, (-1, 0)) == found


@given(
    st.lists(st.sampled_from([0, 1]), min_size=4, max_size=4), st.sampled_from([",", "，", "、", " , "]), st.booleans()
)
def test_numbers_in_any_width(values: list[int], between: str, wide: bool) -> None:
    text = between.join(map(str, values))
    text = text.translate({ord("0"): "０", ord("1"): "１"}) if wide else text
    assert numbers(text, 4, (0, 1)) == tuple(values)


@given(st.text(max_size=30))
def test_replies_never_fail(text: str) -> None:
    assert yes_or_no(text) in (True, False, None)
    assert marked_yes_or_no(text) in (True, False, None)
    assert numbers(text, 2, (0,)) in ((0, 0), None)
