from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.advantages import standardised
from training.methods.comparisons import Better, Comparison
from training.methods.crpo import CrpoReward, crpo_rewards
from training.methods.group import tally
from training.methods.pairings import Pairing, against_counterparts, presentations, within_group
from training.methods.reward import Reward

COUNTERPARTS = ("c1", "c2", "c3", "c4", "c5")
# PulseMind, figure 2: one row a dimension, one column a counterpart.
PUBLISHED = ("10110", "01001", "10011", "01100")

VERDICTS: tuple[Better | None, ...] = ("first", "second", "tie", None)
four = st.tuples(*[st.sampled_from(VERDICTS)] * 4)


def unbiased(first: str, second: str, *better_D: Better | None) -> list[Comparison]:
    """Both presentations, judged alike."""
    comparison = Comparison(first, second, better_D)
    return [comparison, comparison.swap()]


def published(rollout: str, rows: tuple[str, ...]) -> list[Comparison]:
    """One rollout against five counterparts: 1 is better; 0 is a tie in even columns and worse in odd ones."""
    judged: list[Comparison] = []
    for column, counterpart in enumerate(COUNTERPARTS):
        lost: Better = "second" if column % 2 else "tie"
        judged += unbiased(rollout, counterpart, *("first" if row[column] == "1" else lost for row in rows))
    return judged


@st.composite
def groups(draw: st.DrawFn, within: bool = False) -> tuple[Pairing, list[Comparison]]:
    rollouts = [f"g{number}" for number in range(draw(st.integers(2, 4)))]
    pairing = within_group(rollouts) if within else against_counterparts(rollouts, COUNTERPARTS[:3])
    return pairing, [Comparison(first, second, draw(four)) for first, second in presentations(pairing)]


def test_the_published_example() -> None:
    (rewarded,) = crpo_rewards(against_counterparts(["g"], COUNTERPARTS), published("g", PUBLISHED))
    assert rewarded.reward == Reward(0.5, unscored=0, parts=20)
    assert rewarded.others_C == COUNTERPARTS
    assert rewarded.cells_CD == ((1, 0, 1, 0), (0, 1, 0, 1), (1, 0, 0, 1), (1, 0, 1, 0), (0, 1, 1, 0))


def test_a_group_from_comparisons_to_advantages() -> None:
    """Rewards .5, .7, .35, .6 of twenty cells each, and the advantages published for them."""
    wins = {"g1": 10, "g2": 14, "g3": 7, "g4": 12}
    judged = [
        comparison
        for rollout, won in wins.items()
        for comparison in published(
            rollout, tuple(f"{(1 << won) - 1:020b}"[start : start + 5] for start in (0, 5, 10, 15))
        )
    ]
    rewarded = crpo_rewards(against_counterparts(list(wins), COUNTERPARTS), judged)
    rewards = [one.reward.value for one in rewarded]
    assert rewards == [0.5, 0.7, 0.35, 0.6]
    assert standardised(rewards) == pytest.approx([-0.251, 1.088, -1.255, 0.418], abs=5e-4)


def test_a_tie_is_a_loss_unless_half_is_asked_for() -> None:
    pairing = against_counterparts(["g"], ["c"])
    judged = unbiased("g", "c", "tie", "tie", "first", "second")
    assert crpo_rewards(pairing, judged)[0].cells_CD == ((0.0, 0.0, 1.0, 0.0),)
    assert crpo_rewards(pairing, judged)[0].reward.value == 0.25
    assert crpo_rewards(pairing, judged, half_ties=True)[0].reward.value == 0.5


def test_a_win_in_one_order_only_is_a_tie() -> None:
    pairing = against_counterparts(["g"], ["c"])
    first_wins: tuple[Better, ...] = ("first",) * 4
    judged = [Comparison("g", "c", first_wins), Comparison("c", "g", first_wins)]
    assert crpo_rewards(pairing, judged)[0].reward.value == 0.0
    assert crpo_rewards(pairing, judged, half_ties=True)[0].reward.value == 0.5


def test_an_unreadable_comparison_is_counted_and_no_part_of_the_mean() -> None:
    pairing = against_counterparts(["g"], ["c1", "c2"])
    judged = unbiased("g", "c1", "first", "first", "first", "second") + unbiased("g", "c2", "first", None, None, None)
    (rewarded,) = crpo_rewards(pairing, judged)
    assert rewarded.cells_CD == ((1.0, 1.0, 1.0, 0.0), (1.0, None, None, None))
    assert rewarded.reward == Reward(4 / 5, unscored=3, parts=8)


def test_a_presentation_that_was_never_judged_is_unreadable() -> None:
    pairing = against_counterparts(["g1", "g2"], ["c1", "c2"])
    judged = unbiased("g1", "c1", *("first",) * 4) + unbiased("g2", "c1", *("first",) * 4)[:1]
    one, other = crpo_rewards(pairing, judged)
    assert one.reward == Reward(1.0, unscored=4, parts=8)
    assert other.reward == Reward(None, unscored=8, parts=8)
    counted = tally([one.reward, other.reward])
    assert (counted.unscored_rollouts, counted.lone_groups, counted.unscored_parts) == (1, 1, 12)
    assert crpo_rewards(pairing, judged, minimum_share=0.6)[0].reward.value is None


def test_within_a_group_by_hand() -> None:
    judged = (
        unbiased("a", "b", "first", "first", "first", "tie")
        + unbiased("a", "c", "first", "second", "tie", "tie")
        + unbiased("b", "c", "second", "second", "second", "second")
    )
    rewards = [one.reward.value for one in crpo_rewards(within_group(["a", "b", "c"]), judged, half_ties=True)]
    # a: 3 + .5 and 1 + .5 + .5; b: .5 and 0; c: 1 + .5 + .5 and 4; of eight cells each.
    assert rewards == [5.5 / 8, 0.5 / 8, 6 / 8]
    assert sum(value or 0.0 for value in rewards) == 3 / 2


def test_what_was_not_asked_for_is_an_error() -> None:
    pairing = against_counterparts(["g"], ["c"])
    with pytest.raises(ValueError, match="not asked for"):
        crpo_rewards(pairing, unbiased("g", "stranger", *("tie",) * 4))
    with pytest.raises(ValueError, match="judged twice"):
        crpo_rewards(pairing, unbiased("g", "c", *("tie",) * 4) * 2)


@settings(deadline=None)
@given(groups(), st.booleans(), st.randoms())
def test_the_order_of_judging_is_of_no_account(
    group: tuple[Pairing, list[Comparison]], half_ties: bool, random: Random
) -> None:
    pairing, judged = group
    shuffled = list(judged)
    random.shuffle(shuffled)
    assert crpo_rewards(pairing, shuffled, half_ties=half_ties) == crpo_rewards(pairing, judged, half_ties=half_ties)


@settings(deadline=None)
@given(groups(), st.booleans())
def test_rewards_lie_between_zero_and_one(group: tuple[Pairing, list[Comparison]], half_ties: bool) -> None:
    for one in crpo_rewards(*group, half_ties=half_ties, minimum_share=0.0):
        cells = [cell for row_D in one.cells_CD for cell in row_D]
        assert (one.reward.unscored, one.reward.parts) == (cells.count(None), 12)
        assert (one.reward.value is None) == (cells.count(None) == 12)
        assert one.reward.value is None or 0.0 <= one.reward.value <= 1.0


@settings(deadline=None)
@given(groups(within=True))
def test_within_a_group_one_wins_what_the_other_loses(group: tuple[Pairing, list[Comparison]]) -> None:
    rewarded = {one.rollout: one for one in crpo_rewards(*group, half_ties=True)}
    for one in rewarded.values():
        for other, row_D in zip(one.others_C, one.cells_CD, strict=True):
            assert row_D == tuple(None if c is None else 1.0 - c for c in row_against(rewarded[other], one.rollout))


@settings(deadline=None)
@given(groups(within=True))
def test_within_a_readable_group_half_ties_add_up_to_half_its_size(group: tuple[Pairing, list[Comparison]]) -> None:
    pairing, judged = group
    readable = [Comparison(c.first, c.second, tuple(b or "tie" for b in c.better_D)) for c in judged]
    rewards = [one.reward.value for one in crpo_rewards(pairing, readable, half_ties=True)]
    assert sum(value or 0.0 for value in rewards) == pytest.approx(len(rewards) / 2)


def row_against(rewarded: CrpoReward, other: str) -> tuple[float | None, ...]:
    return rewarded.cells_CD[rewarded.others_C.index(other)]
