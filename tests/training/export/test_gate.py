import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.export.gate import Margins, decide
from training.export.scores import CaseScore, ScoresError


def rows(guided: Sequence[float | None], **more: float | int) -> list[CaseScore]:
    return [CaseScore(id=str(number), guided=score, **more) for number, score in enumerate(guided)]


def noisy(mean: float, n: int = 200, seed: int = 0) -> list[float | None]:
    rng = random.Random(seed)
    return [mean + rng.gauss(0, 0.2) for _ in range(n)]


def test_a_model_against_itself_passes() -> None:
    scores = rows(noisy(0.8), draft=0.5, verdicts=5, right=4)
    decision = decide(scores, scores)
    assert decision.passed
    assert (decision.difference.mean, decision.difference.low, decision.difference.high) == (0, 0, 0)
    assert decision.candidate == decision.served
    assert decision.candidate.verdict_accuracy == pytest.approx(0.8)


def test_surely_worse_by_little_is_refused() -> None:
    served = noisy(0.8)
    decision = decide(rows([score and score - 0.01 for score in served]), rows(served))
    assert decision.difference.high < 0
    assert decision.reasons == (
        "guided score: the whole interval of the difference is below zero, -0.010 [-0.010, -0.010]",
    )


def test_worse_by_more_than_the_margin_is_refused_though_it_may_be_chance() -> None:
    candidate: list[float | None] = [0.0, 1.0, 0.0, 1.0, 0.6]
    served: list[float | None] = [1.0, 0.0, 1.0, 0.6, 0.6]
    decision = decide(rows(candidate), rows(served))
    assert decision.difference.low < 0 < decision.difference.high
    assert decision.reasons[0].startswith("guided score: lower by more than 0.03, -0.120")
    assert decide(rows(candidate), rows(served), Margins(guided=0.2)).passed


def test_a_better_model_passes() -> None:
    assert decide(rows(noisy(0.85, seed=1)), rows(noisy(0.8, seed=2))).passed


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        ({"draft": 0.9}, "share of answers worse than their draft: 1.000, 0.000 is served"),
        ({"right": 90}, "verdict accuracy: 0.900, 0.960 is served, more than 0.02 worse"),
        ({"unscored_verdicts": 5}, "share of unscored verdicts: 0.048, 0.000 is served"),
        ({"verdicts": 0, "right": 0}, "verdict accuracy: 0.960 is served, the candidate has none"),
        ({"draft": None}, "share of answers worse than their draft: 0.000 is served, the candidate has none"),
    ],
)
def test_an_equal_guided_score_does_not_excuse_other_losses(
    candidate: dict[str, float | int | None], reason: str
) -> None:
    served = {"draft": 0.5, "verdicts": 100, "right": 96}
    decision = decide(rows([0.8] * 5, **(served | candidate)), rows([0.8] * 5, **served))  # type: ignore[arg-type]
    assert [found for found in decision.reasons if found.startswith(reason)]


def test_losses_within_the_margins_pass() -> None:
    served = rows([0.8] * 100, draft=0.5, verdicts=100, right=96)
    candidate = [*rows([0.8] * 99, draft=0.5, verdicts=100, right=95), served[99].model_copy(update={"draft": 0.9})]
    assert decide(candidate, served).passed


def test_unscored_cases_are_left_out_and_too_many_of_them_refused() -> None:
    served = rows([0.5] * 10)
    one = decide(rows([None, *[0.5] * 9]), served, Margins(unscored_share=0.2))
    assert one.passed
    assert (one.difference.n, one.difference.mean) == (9, 0.0)
    assert one.candidate.unscored_cases == pytest.approx(0.1)
    assert decide(rows([None, *[0.5] * 9]), served).reasons[0].startswith("share of unscored cases: 0.100, 0.000")


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(ScoresError, match="1 ids are not in both, 2 among them"):
        decide(rows([0.5, 0.5, 0.5]), rows([0.5, 0.5]))
    with pytest.raises(ScoresError, match="no case is scored on both sides"):
        decide(rows([None, 0.5]), rows([0.5, None]))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.randoms())
def test_the_order_of_rows_does_not_matter(scores: list[float], rng: random.Random) -> None:
    served = rows(list(scores), draft=0.0)
    shuffled = rng.sample(served, len(served))
    assert decide(served, shuffled).passed
    assert decide(shuffled, served).difference.mean == 0
