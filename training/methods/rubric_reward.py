"""Rubric reward: points of met criteria, signed, over the sum of positive points (HealthBench, OpenAI 2025).

Published: at most 1, not clipped below for one answer; only a benchmark's mean is clipped to [0, 1]. Ours, in training:
not clipped either, since a floor makes bad and worse alike; ``floor`` is for rubrics whose faults outweigh the rest.
"""

from collections.abc import Sequence
from typing import Protocol

from training.methods.reward import MINIMUM_SHARE, Reward, is_enough


class Weighted(Protocol):
    """A criterion, as far as its reward goes: signed points, positive for what a good answer does."""

    @property
    def points(self) -> float: ...


def rubric_reward(
    criteria_K: Sequence[Weighted],
    verdicts_K: Sequence[bool | None],
    *,
    minimum_share: float = MINIMUM_SHARE,
    floor: float | None = None,
) -> Reward:
    """Return the reward of one answer from one verdict a criterion: met, not met, or None where unscored.

    A partly unscored rubric is scored as if it had only its scored criteria: to count the others as not met would blame
    the answer for the judge, and to keep their points in the sum would do the same by another way. It is None when
    less than ``minimum_share`` of the positive points were scored (they are what is divided by: few of them make one
    fault huge), or of all points by size (or an unread fault would pass unseen).
    Raises ``ValueError`` for a rubric without positive points and for verdicts that are not one a criterion.
    """
    if len(criteria_K) != len(verdicts_K):
        raise ValueError(f"{len(verdicts_K)} verdicts on {len(criteria_K)} criteria")
    points_K = [criterion.points for criterion in criteria_K]
    positive = sum(points for points in points_K if points > 0)
    if not positive:
        raise ValueError("a rubric without positive points has no reward")
    scored = [(p, met) for p, met in zip(points_K, verdicts_K, strict=True) if met is not None]
    scored_positive = sum(points for points, _ in scored if points > 0)
    enough = is_enough(scored_positive, positive, minimum_share)
    enough &= is_enough(sum(abs(points) for points, _ in scored), sum(map(abs, points_K)), minimum_share)
    unscored = len(points_K) - len(scored)
    if not enough:
        return Reward(None, unscored, len(points_K))
    value = sum(points for points, met in scored if met) / scored_positive
    return Reward(value if floor is None else max(floor, value), unscored, len(points_K))


def rubric_rewards(
    criteria_K: Sequence[Weighted],
    verdicts_GK: Sequence[Sequence[bool | None]],
    *,
    minimum_share: float = MINIMUM_SHARE,
    floor: float | None = None,
) -> tuple[Reward, ...]:
    """Return the rewards of one group: the same rubric for each of its rollouts. Raises ``ValueError``."""
    return tuple(
        rubric_reward(criteria_K, verdicts_K, minimum_share=minimum_share, floor=floor) for verdicts_K in verdicts_GK
    )
