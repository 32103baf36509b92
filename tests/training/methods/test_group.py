from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.group import Tally, tally
from training.methods.reward import Reward


def rewards(*values: float | None) -> list[Reward]:
    return [Reward(value, unscored=4 if value is None else 1, parts=4) for value in values]


@pytest.mark.parametrize(
    ("values", "skipped", "lone", "flat", "teaching"),
    [
        ((0.1, 0.2, None), 0, 0, 0, 1),
        ((0.1, 0.1, None), 0, 0, 1, 0),
        ((0.1, None, None), 0, 1, 0, 0),
        ((None, None, None), 1, 0, 0, 0),
        ((0.0, 0.0, 0.0), 0, 0, 1, 0),
    ],
)
def test_each_group_is_counted_for_one_reason(
    values: tuple[float | None, ...], skipped: int, lone: int, flat: int, teaching: int
) -> None:
    counted = tally(rewards(*values))
    assert (counted.groups, counted.skipped_groups, counted.lone_groups, counted.flat_groups) == (
        1,
        skipped,
        lone,
        flat,
    )
    assert counted.teaching_groups == teaching


def test_rollouts_and_parts_are_counted() -> None:
    counted = tally(rewards(0.1, None, 0.3))
    assert (counted.rollouts, counted.unscored_rollouts, counted.parts, counted.unscored_parts) == (3, 1, 12, 6)


def test_a_small_spread_may_count_as_flat() -> None:
    assert tally(rewards(0.3, 0.1 + 0.2)).flat_groups == 1
    assert tally(rewards(0.50, 0.52)).flat_groups == 0
    assert tally(rewards(0.50, 0.52), spread=0.05).flat_groups == 1


def test_tallies_add_up() -> None:
    total = sum((tally(rewards(0.1, 0.2)), tally(rewards(None, None)), tally(rewards(0.5, 0.5))), Tally())
    assert total == Tally(
        groups=3,
        skipped_groups=1,
        flat_groups=1,
        rollouts=6,
        unscored_rollouts=2,
        parts=24,
        unscored_parts=12,
    )
    assert total.teaching_groups == 1


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(-2, 1), min_size=1, max_size=8), st.randoms())
def test_the_order_is_of_no_account(values: list[float | None], random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert tally(rewards(*shuffled)) == tally(rewards(*values))
