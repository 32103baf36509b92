"""CRPO: R_g = mean over counterparts C and dimensions D of [answer g strictly better], then GRPO's advantage.

Source: PulseMind, arXiv 2601.07344 (arXiv 2512.00601 is another CRPO). A tie is worth 0, as published;
``half_ties`` makes it 0.5, the fair value within a group, where R then adds up to G / 2. An unreadable comparison stays
unscored: it is counted, and no part of the mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.methods.comparisons import UNREADABLE, Better, Comparison, Pair, by_pair, in_both_orders
from training.methods.pairings import Pairing, presentations
from training.methods.reward import MINIMUM_SHARE, Reward, mean_of_scored

Cells = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class CrpoReward:
    """A rollout's reward, and the cells it is the mean of: shape (_C, _D), one row for each answer of ``others_C``."""

    rollout: str
    others_C: tuple[str, ...]
    reward: Reward
    cells_CD: Cells


def crpo_rewards(
    pairing: Pairing,
    judged: Iterable[Comparison],
    *,
    half_ties: bool = False,
    minimum_share: float = MINIMUM_SHARE,
) -> tuple[CrpoReward, ...]:
    """Return the rewards of one group, in the pairing's order, from presentations judged in any order.

    A presentation that is missing from ``judged`` counts as unreadable. Raises ``ValueError`` for one that the pairing
    does not ask for, and for one judged twice.
    """
    shown = by_pair(judged)
    if strangers := shown.keys() - set(presentations(pairing)):
        raise ValueError(f"judged but not asked for: {sorted(strangers)}")
    return tuple(
        _reward(rollout, [_settled((rollout, other), shown) for other in others], half_ties, minimum_share)
        for rollout, others in pairing.items()
    )


def _settled(pair: Pair, shown: dict[Pair, Comparison]) -> Comparison:
    first, second = pair
    one = shown.get(pair, Comparison(first, second, UNREADABLE))
    return in_both_orders(one, shown.get((second, first), Comparison(second, first, UNREADABLE)))


def _reward(rollout: str, comparisons_C: Sequence[Comparison], half_ties: bool, minimum_share: float) -> CrpoReward:
    worth: dict[Better | None, float | None] = {
        "first": 1.0,
        "second": 0.0,
        "tie": 0.5 if half_ties else 0.0,
        None: None,
    }
    cells_CD = tuple(tuple(worth[better] for better in comparison.better_D) for comparison in comparisons_C)
    reward = mean_of_scored([cell for row_D in cells_CD for cell in row_D], minimum_share)
    return CrpoReward(rollout, tuple(comparison.second for comparison in comparisons_C), reward, cells_CD)
