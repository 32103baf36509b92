"""Advantages within one group. ``standardised``: (R - mean) / (unbiased deviation + epsilon) (GRPO, arXiv 2402.03300).

``mean_only``: R - mean (Dr. GRPO, arXiv 2503.20783). ``leave_one_out``: R - mean of others (RLOO, arXiv 2402.14740).
Unscored rollouts are left out of mean and deviation and have no advantage (None). A lone or flat group has zeros:
verl hands a lone rollout its bare reward, which teaches how hard the prompt is and not what was better.
"""

import math
from collections.abc import Callable, Sequence

from training.methods.group import is_flat

EPSILON = 1e-4

Advantages = tuple[float | None, ...]


def standardised(rewards_G: Sequence[float | None], epsilon: float = EPSILON) -> Advantages:
    """Return advantages in units of the group's deviation (n - 1). ``epsilon`` is TRL's; verl has 1e-6."""

    def standardise(scored: list[float]) -> list[float]:
        centred = _centred(scored)
        deviation = math.sqrt(math.fsum(value * value for value in centred) / (len(scored) - 1))
        return [value / (deviation + epsilon) for value in centred]

    return _over_scored(rewards_G, standardise)


def mean_only(rewards_G: Sequence[float | None]) -> Advantages:
    """Return advantages in units of the reward: a group that differs little weighs little."""
    return _over_scored(rewards_G, _centred)


def leave_one_out(rewards_G: Sequence[float | None]) -> Advantages:
    """Return each reward less the mean of the others: n / (n - 1) times ``mean_only``."""

    def less_others(scored: list[float]) -> list[float]:
        return [value * len(scored) / (len(scored) - 1) for value in _centred(scored)]

    return _over_scored(rewards_G, less_others)


def _over_scored(rewards_G: Sequence[float | None], advantages: Callable[[list[float]], list[float]]) -> Advantages:
    """Raises ``ValueError`` for a reward that is not finite."""
    scored = [reward for reward in rewards_G if reward is not None]
    if not all(map(math.isfinite, scored)):
        raise ValueError("a reward is not finite; an unscored one is None")
    taught = len(scored) > 1 and not is_flat(scored)
    values = iter(advantages(scored) if taught else [0.0] * len(scored))
    return tuple(None if reward is None else next(values) for reward in rewards_G)


def _centred(scored: list[float]) -> list[float]:
    mean = math.fsum(scored) / len(scored)
    return [reward - mean for reward in scored]
