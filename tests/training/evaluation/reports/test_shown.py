"""Numbers and foreign text as reports write them."""

import math

import pytest

from training.evaluation.reports import shown
from training.evaluation.statistics import Interval


def test_text_that_acts_unseen_is_written_out() -> None:
    assert shown.visible("a\u202eb\x00\ud800\u2066") == "a<U+202E>b<U+0000><U+D800><U+2066>"
    assert shown.visible("نص\u200c عربي\n\u05d0\u05d1\t患者\r\n") == "نص\u200c عربي\n\u05d0\u05d1\t患者\n"


def test_long_text_says_how_much_is_cut() -> None:
    assert shown.visible("x" * 1500, 10) == "x" * 10 + " … (1,490 more characters)"
    assert len(shown.label("w" * 100_000)) == 48
    assert shown.label("two\nlines") == "two lines"


def test_numbers_keep_their_decimals_and_say_when_there_is_none() -> None:
    assert shown.number(-0.25, signed=True) == "\u22120.250"
    assert shown.number(1234.5) == "1,234.5"
    assert shown.number(math.nan) == shown.number(None) == "-"
    assert shown.interval(Interval(0.5, 0.4, 0.6, 3)) == "0.500\u00a0[0.400,\u00a00.600]"
    assert shown.interval(Interval(0.5, math.nan, math.nan, 1)) == "0.500\u00a0[no\u00a0interval]"
    assert shown.interval(Interval(math.nan, 0.1, 0.2, 0)) == shown.interval(None) == "-"
    assert [shown.p_value(p) for p in (0.0001, 0.0456, 1.0, math.nan, None)] == [
        "<\u00a00.001",
        "0.046",
        "1.000",
        "-",
        "-",
    ]


@pytest.mark.parametrize(
    ("low", "high", "adjusted", "word"),
    [
        (0.1, 0.3, None, "higher"),
        (0.1, 0.3, 0.01, "higher"),
        (0.1, 0.3, 0.07, "higher, but not once adjusted"),
        (-0.3, -0.1, 0.01, "lower"),
        (-0.1, 0.3, 0.01, "not told apart"),
        (math.nan, math.nan, math.nan, "not told apart"),
    ],
)
def test_a_difference_in_a_word(low: float, high: float, adjusted: float | None, word: str) -> None:
    assert shown.told_apart(Interval(0.0, low, high, 9), adjusted) == word


def test_an_unscored_verdict_is_not_one_that_was_not_met() -> None:
    assert [shown.verdict(met) for met in (True, False, None)] == ["met", "not\u00a0met", "unscored"]
    assert shown.verdict(None, asked=False) == "-"
