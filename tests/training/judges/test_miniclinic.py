"""The exact judges: noise, position, and agreement with what they read."""

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.revision.prompts import Message
from training.judges.miniclinic import (
    MARGIN,
    Cases,
    ExactComparisonJudge,
    ExactCriterionJudge,
    ExactScoreJudge,
    UnknownCase,
    case_of,
    deviate,
)
from training.judges.qualities import qualities
from training.methods.comparisons import DIMENSIONS, Comparison, in_both_orders
from training.miniclinic.answers import draft_answer, full_answer, text_of
from training.miniclinic.cases import Case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import verdict
from training.trl_adapter.settings import ExactJudge

KNOWLEDGE = load_knowledge()
IDS = [f"train-{seed}" for seed in range(300_000, 300_060)] + [f"heldout-{seed}" for seed in range(20)]
CASES = Cases(KNOWLEDGE, IDS)
ids = st.sampled_from(IDS)
EXACT = ExactJudge()


def draft(case: Case, seed: int) -> str:
    return text_of(draft_answer(KNOWLEDGE, case, random.Random(seed)))


def test_a_prompt_finds_its_case_with_or_without_a_system_message() -> None:
    for case_id in IDS:
        case = case_of(KNOWLEDGE, case_id)
        assert CASES.of(case.messages) == case
        system: Message = {"role": "system", "content": "You are a helpful assistant."}
        assert CASES.of([system, *case.messages]) == case


def test_a_prompt_of_no_case_is_named() -> None:
    with pytest.raises(UnknownCase, match="none of the 80 cases begins with 'user: Hello'"):
        CASES.of([{"role": "user", "content": "Hello"}])


@pytest.mark.parametrize("case_id", ["", "train", "train-x", "test-3", "train-3 ", "a-train-3", "train--3"])
def test_an_id_that_names_no_case_is_refused(case_id: str) -> None:
    with pytest.raises(UnknownCase, match=f"'{case_id}' names no case"):
        Cases(KNOWLEDGE, [case_id])


@given(ids, st.integers(0, 9))
async def test_without_noise_verdicts_are_the_scorers(case_id: str, seed: int) -> None:
    case = case_of(KNOWLEDGE, case_id)
    answer = draft(case, seed)
    criteria = [KNOWLEDGE.items[key].criterion[0] for key in case.required] + ["Is kind to zebras"]
    judge = ExactCriterionJudge(KNOWLEDGE, EXACT, seed=1)
    assert await judge.verdicts(case.messages, answer, criteria) == [verdict(KNOWLEDGE, c, answer) for c in criteria]
    assert (judge.tally.asked, judge.tally.unscored) == (len(criteria), 1)


async def test_noise_turns_the_share_of_verdicts_that_its_deviation_says() -> None:
    judge, flipped = ExactCriterionJudge(KNOWLEDGE, ExactJudge(noise=0.5), seed=1), []
    criteria = list(KNOWLEDGE.asked_by)[:200]
    for seed in range(20):
        case = case_of(KNOWLEDGE, IDS[seed])
        answer = draft(case, seed)
        read = await judge.verdicts(case.messages, answer, criteria)
        flipped += [met != verdict(KNOWLEDGE, c, answer) for met, c in zip(read, criteria, strict=True)]
    assert fmean(flipped) == pytest.approx(0.1587, abs=0.02)


@given(ids, st.integers(0, 9), st.integers(0, 9))
async def test_without_noise_the_better_quality_wins_in_either_order(case_id: str, one: int, other: int) -> None:
    case = case_of(KNOWLEDGE, case_id)
    a, b = draft(case, one), draft(case, 10 + other)
    judge = ExactComparisonJudge(CASES, EXACT, seed=1)
    shown = Comparison("a", "b", await judge.compare(case.messages, a, b))
    turned = Comparison("b", "a", await judge.compare(case.messages, b, a))
    assert in_both_orders(shown, turned) == shown
    for quality, against, better in zip(
        qualities(KNOWLEDGE, case, a), qualities(KNOWLEDGE, case, b), shown.better_D, strict=True
    ):
        apart = abs(quality - against) > MARGIN
        assert better == (("first" if quality > against else "second") if apart else "tie")


async def test_position_makes_the_first_of_equals_better() -> None:
    case = case_of(KNOWLEDGE, IDS[0])
    answer = draft(case, 0)
    biased = ExactComparisonJudge(CASES, ExactJudge(position=0.1), seed=1)
    assert await biased.compare(case.messages, answer, answer) == ("first",) * 4
    slightly = ExactComparisonJudge(CASES, ExactJudge(position=0.01), seed=1)
    assert await slightly.compare(case.messages, answer, answer) == ("tie",) * 4


@given(ids, st.integers(0, 9))
async def test_without_noise_a_score_is_the_nearest_to_its_quality(case_id: str, seed: int) -> None:
    case = case_of(KNOWLEDGE, case_id)
    answer = draft(case, seed)
    scores_D = await ExactScoreJudge(CASES, EXACT, seed=1).scores(case.messages, answer)
    for read, quality in zip(scores_D, qualities(KNOWLEDGE, case, answer), strict=True):
        assert read is not None
        assert 1 <= read <= 5
        assert abs(read - (1 + 4 * quality)) <= 0.5


async def test_a_perfect_answer_scores_five_and_an_empty_one_one() -> None:
    case = case_of(KNOWLEDGE, IDS[1])
    judge = ExactScoreJudge(CASES, EXACT, seed=1)
    assert await judge.scores(case.messages, text_of(full_answer(KNOWLEDGE, case, random.Random(0)))) == (5, 5, 5, 5)
    assert await judge.scores(case.messages, "") == (1, 1, 1, 1)


@given(ids, st.integers(0, 9), st.sampled_from([0.05, 0.3, 2.0]))
async def test_a_noisy_judge_repeats_itself_and_stays_in_range(case_id: str, seed: int, noise: float) -> None:
    case = case_of(KNOWLEDGE, case_id)
    a, b = draft(case, seed), draft(case, 10 + seed)
    settings = ExactJudge(noise=noise)
    again = Cases(KNOWLEDGE, [case_id])
    compared = [await ExactComparisonJudge(c, settings, seed=1).compare(case.messages, a, b) for c in (CASES, again)]
    scored = [await ExactScoreJudge(c, settings, seed=1).scores(case.messages, a) for c in (CASES, again)]
    assert compared[0] == compared[1]
    assert scored[0] == scored[1]
    assert set(scored[0]) <= {1, 2, 3, 4, 5}


async def test_noise_differs_by_seed_answer_and_order() -> None:
    case = case_of(KNOWLEDGE, IDS[2])
    answers = [draft(case, seed) for seed in range(40)]
    judges = [ExactComparisonJudge(CASES, ExactJudge(noise=1.0), seed=seed) for seed in (1, 2)]
    first = [await judges[0].compare(case.messages, a, answers[0]) for a in answers[1:]]
    second = [await judges[1].compare(case.messages, a, answers[0]) for a in answers[1:]]
    assert first != second
    turned = [await judges[0].compare(case.messages, answers[0], a) for a in answers[1:]]
    joined = [
        in_both_orders(Comparison("a", "b", x), Comparison("b", "a", y)) for x, y in zip(first, turned, strict=True)
    ]
    assert any(j.better_D != x for j, x in zip(joined, first, strict=True))


def test_deviates_are_standard_normal_and_their_own() -> None:
    drawn = [deviate(3, str(number), "first", dimension) for number in range(2500) for dimension in DIMENSIONS]
    assert fmean(drawn) == pytest.approx(0.0, abs=0.04)
    assert stdev(drawn) == pytest.approx(1.0, abs=0.03)
    assert deviate(3, "a", "b") != deviate(3, "ab") != deviate(4, "ab")
    assert all(map(math.isfinite, drawn))
