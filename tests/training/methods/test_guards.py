import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.guards import Guards, guarded, overlong, repetition
from training.methods.reward import Reward

GUARDS = Guards(max_tokens=100, buffer_tokens=20, ngram_tokens=2)

token_ids = st.lists(st.integers(0, 5), max_size=60)


@pytest.mark.parametrize(
    ("tokens", "penalty"), [(0, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (100, -1.0), (101, -1.0), (1000, -1.0)]
)
def test_the_length_penalty_falls_over_the_buffer(tokens: int, penalty: float) -> None:
    assert overlong(tokens, GUARDS) == pytest.approx(penalty)


@pytest.mark.parametrize(
    ("ids", "penalty"),
    [
        ([], 0.0),
        ([7], 0.0),
        ([1, 2, 3, 4], 0.0),
        # (1 2) (2 1) (1 2) (2 1): two of four are distinct.
        ([1, 2, 1, 2, 1], -0.5),
        # (5 5) four times: one of four.
        ([5, 5, 5, 5, 5], -0.75),
    ],
)
def test_the_repetition_penalty_is_the_share_of_repeated_ngrams(ids: list[int], penalty: float) -> None:
    assert repetition(ids, GUARDS) == penalty


def test_both_are_taken_off_the_reward() -> None:
    guards = Guards(max_tokens=5, buffer_tokens=2, ngram_tokens=2, length_weight=0.5, repetition_weight=0.2)
    # Five tokens: at the limit, -1 x 0.5. Repetition -0.75 x 0.2.
    reward = guarded(Reward(0.9, 1, 6), [5] * 5, guards)
    assert reward.value == pytest.approx(0.9 - 0.5 - 0.15)
    assert (reward.unscored, reward.parts) == (1, 6)


def test_an_unscored_reward_stays_unscored() -> None:
    unscored = Reward(None, 6, 6)
    assert guarded(unscored, [5] * 200, GUARDS) is unscored


def test_a_short_answer_without_repetition_loses_nothing() -> None:
    assert guarded(Reward(0.4, 0, 3), list(range(50)), Guards(max_tokens=100, buffer_tokens=20)).value == 0.4


@settings(deadline=None)
@given(token_ids, st.integers(1, 8))
def test_penalties_are_bounded(ids: list[int], n: int) -> None:
    guards = Guards(max_tokens=30, buffer_tokens=10, ngram_tokens=n)
    assert -1.0 < repetition(ids, guards) <= 0.0
    assert -1.0 <= overlong(len(ids), guards) <= 0.0
    assert overlong(len(ids) + 1, guards) <= overlong(len(ids), guards)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.integers(1, 4))
def test_saying_all_of_it_again_costs_more(ids: list[int], n: int) -> None:
    guards = Guards(max_tokens=100, buffer_tokens=10, ngram_tokens=n)
    assert repetition(ids * 4, guards) <= repetition(ids * 2, guards)
    assert repetition(ids * 4, guards) < 0


@pytest.mark.parametrize(
    "limits",
    [
        {"max_tokens": 10, "buffer_tokens": 0},
        {"max_tokens": 10, "buffer_tokens": 11},
        {"max_tokens": 10, "buffer_tokens": 5, "ngram_tokens": 0},
        {"max_tokens": 10, "buffer_tokens": 5, "length_weight": -1},
        {"max_tokens": 10, "buffer_tokens": 5, "repetition_weight": -1},
    ],
)
def test_guards_that_cannot_be(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"does not fit|never add"):
        Guards(**limits)
