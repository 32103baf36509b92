from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.rubric import Criterion
from training.methods.rubric_reward import rubric_reward, rubric_rewards

# 5 + 3 + 2 = 10 positive points; the fault costs 4.
RUBRIC = tuple(Criterion(f"criterion {points}", points) for points in (5, 3, 2, -4))

points = st.lists(st.integers(-10, 10).filter(bool), min_size=1, max_size=8).filter(lambda p: max(p) > 0)
graded = points.flatmap(
    lambda p: st.tuples(st.just(p), st.lists(st.sampled_from([True, False, None]), min_size=len(p), max_size=len(p)))
)


def rubric_of(points_K: list[int]) -> list[Criterion]:
    return [Criterion("text", p) for p in points_K]


@pytest.mark.parametrize(
    ("verdicts", "value"),
    [
        ((True, True, True, False), 1.0),
        ((False, False, False, False), 0.0),
        ((True, False, True, False), 0.7),
        ((True, False, True, True), 0.3),
        ((False, False, False, True), -0.4),
    ],
)
def test_met_points_over_positive_points(verdicts: tuple[bool, ...], value: float) -> None:
    reward = rubric_reward(RUBRIC, verdicts)
    assert reward.value == pytest.approx(value)
    assert (reward.unscored, reward.parts) == (0, 4)


@pytest.mark.parametrize(
    ("verdicts", "value"),
    [
        # (5 - 4) / (5 + 3): the unscored 2 points leave both sums.
        ((True, False, None, True), 1 / 8),
        # 5 of 10 positive points scored, 9 of 14 by size: just enough.
        ((True, None, None, False), 1.0),
        # 5 of 14 by size: the fault was not read.
        ((True, None, None, None), None),
        # The fault and 3 + 2 points: half of the positive points.
        ((None, True, False, False), 3 / 5),
        ((None, True, None, False), None),
        ((None, None, None, None), None),
    ],
)
def test_a_partly_unscored_rubric(verdicts: tuple[bool | None, ...], value: float | None) -> None:
    reward = rubric_reward(RUBRIC, verdicts)
    assert reward.value == (None if value is None else pytest.approx(value))
    assert reward.unscored == verdicts.count(None)


def test_an_unread_fault_of_great_weight_leaves_the_answer_unscored() -> None:
    rubric = rubric_of([3, -10])
    assert rubric_reward(rubric, [True, False]).value == 1.0
    assert rubric_reward(rubric, [True, None]).value is None


def test_a_floor_is_an_option() -> None:
    rubric = rubric_of([1, -10])
    assert rubric_reward(rubric, [True, True]).value == -9.0
    assert rubric_reward(rubric, [True, True], floor=-1.0).value == -1.0
    assert rubric_reward(rubric, [True, False], floor=-1.0).value == 1.0


def test_a_stricter_share_leaves_more_unscored() -> None:
    assert rubric_reward(RUBRIC, (True, True, None, False), minimum_share=0.9).value is None


def test_a_rubric_without_positive_points_is_an_error() -> None:
    with pytest.raises(ValueError, match="without positive points"):
        rubric_reward(rubric_of([-3, -2]), [False, False])
    with pytest.raises(ValueError, match="without positive points"):
        rubric_reward([], [])


def test_verdicts_that_are_not_one_a_criterion_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 verdicts on 4 criteria"):
        rubric_reward(RUBRIC, [True, True, True])


def test_a_group_has_one_rubric() -> None:
    rewards = rubric_rewards(RUBRIC, [(True, True, True, False), (None,) * 4, (False, False, False, True)], floor=-0.1)
    assert [reward.value for reward in rewards] == [1.0, None, -0.1]


@settings(deadline=None)
@given(graded)
def test_unscored_criteria_are_as_if_they_were_not_there(case: tuple[list[int], list[bool | None]]) -> None:
    points_K, verdicts_K = case
    kept = [(p, v) for p, v in zip(points_K, verdicts_K, strict=True) if v is not None]
    reward = rubric_reward(rubric_of(points_K), verdicts_K, minimum_share=0.0)
    if any(p > 0 for p, _ in kept):
        assert reward.value == rubric_reward(rubric_of([p for p, _ in kept]), [v for _, v in kept]).value
    else:
        assert reward.value is None


@settings(deadline=None)
@given(graded, st.randoms())
def test_the_order_of_the_criteria_is_of_no_account(case: tuple[list[int], list[bool | None]], random: Random) -> None:
    pairs = list(zip(*case, strict=True))
    random.shuffle(pairs)
    shuffled = rubric_reward(rubric_of([p for p, _ in pairs]), [v for _, v in pairs])
    assert shuffled == rubric_reward(rubric_of(case[0]), case[1])


@settings(deadline=None)
@given(graded, st.integers(1, 9))
def test_points_are_relative(case: tuple[list[int], list[bool | None]], factor: int) -> None:
    points_K, verdicts_K = case
    scaled = rubric_reward(rubric_of([p * factor for p in points_K]), verdicts_K)
    assert scaled.value == pytest.approx(rubric_reward(rubric_of(points_K), verdicts_K).value)


@settings(deadline=None)
@given(graded)
def test_at_most_one_and_better_verdicts_never_lower_it(case: tuple[list[int], list[bool | None]]) -> None:
    points_K, verdicts_K = case
    reward = rubric_reward(rubric_of(points_K), verdicts_K)
    best = [None if v is None else p > 0 for p, v in zip(points_K, verdicts_K, strict=True)]
    ideal = rubric_reward(rubric_of(points_K), best)
    assert ideal.value == (None if reward.value is None else 1.0)
    assert reward.value is None or reward.value <= 1.0
