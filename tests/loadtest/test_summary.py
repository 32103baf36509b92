import pytest

from loadtest.client import Spent
from loadtest.latency import ORDERS, Failure, Measurement
from loadtest.report import notes
from loadtest.summary import summarise


def measurement(
    question: str, repeat: int, plain: float, guided: float, outcome: str = "revised", textbook: float | None = None
) -> Measurement:
    return Measurement(
        question=question,
        repeat=repeat,
        order=ORDERS[0],
        plain=Spent(plain, 10, 0, 20),
        guided=Spent(guided, 100, 60, 30),
        textbook=None if textbook is None else Spent(textbook, 50, 5, 60),
        outcome=outcome,
        same_draft=repeat == 1 or question != "b",
        rewritten=textbook is not None,
        readable=textbook is not None,
    )


MEASURED = [
    measurement("a", 1, 1.0, 1.2, "accepted", 3.0),
    measurement("a", 2, 1.0, 1.0, "accepted", 3.0),
    measurement("a", 3, 9.0, 1.1, "accepted", 3.0),
    measurement("b", 1, 2.0, 4.0, "revised"),
    measurement("b", 2, 2.0, 3.0, "accepted"),
    measurement("b", 3, 2.0, 3.4, "revised"),
]


def test_a_question_counts_with_the_median_of_its_repeats() -> None:
    summary = summarise(MEASURED, [], seed=0)
    assert summary["guided_over_plain"] == pytest.approx((1.1 + 3.4) / (1.0 + 2.0))
    assert summary["ratios"]["guided"]["mean_of_ratios"] == pytest.approx((1.1 + 1.7) / 2)
    assert summary["arms"]["plain"]["mean_seconds"] == pytest.approx(1.5)
    assert (summary["requests"], summary["repeats"], summary["measurements"]) == (2, 3, 6)


def test_an_outcome_is_compared_over_the_requests_that_had_it() -> None:
    summary = summarise(MEASURED, [], seed=0)
    assert summary["accepted_over_plain"] == pytest.approx((1.1 + 3.0) / (1.0 + 2.0))
    assert summary["outcomes"]["accepted"]["requests"] == 4
    assert summary["outcomes"]["revised"]["requests"] == 2
    assert summary["outcomes"]["revised"]["over_plain"]["ratio_of_means"] == pytest.approx(3.7 / 2.0)


def test_the_textbook_is_compared_over_the_questions_that_it_answered() -> None:
    summary = summarise(MEASURED, [], seed=0)
    assert summary["textbook_over_plain"] == pytest.approx(3.0)
    assert summary["arms"]["textbook"]["mean_output_tokens"] == 60
    assert (summary["textbook_runs"], summary["textbook_rewrites"]) == (3, 3)


def test_shares_and_repeats() -> None:
    summary = summarise(MEASURED, [], seed=0)
    assert summary["cached_share"] == pytest.approx(0.6)
    assert summary["draft_share_equal"] == 0.5
    assert summary["guided_over_plain_by_repeat"] == pytest.approx([5.2 / 3, 4.0 / 3, 4.5 / 11])


def test_nothing_accepted_is_null_and_failures_are_told() -> None:
    summary = summarise([measurement("a", 1, 1.0, 2.0, "degraded")], [Failure("b", 1, "status 503")], seed=0)
    assert summary["accepted_over_plain"] is None
    assert summary["textbook_over_plain"] is None
    assert summary["failures"] == 1
    assert notes(summary)[-2:] == [
        "NOTE: the loop did not run in full for 1 of 1 requests",
        "NOTE: 1 failed and are left out",
    ]


def test_nothing_measured_is_nothing_claimed() -> None:
    summary = summarise([], [], seed=0)
    assert (summary["guided_over_plain"], summary["cached_share"], summary["requests"]) == (None, None, 0)
