"""Absolute-score reward, CRPO's baseline arm: the mean of four scores from 1 to 5, over 5; advantages as in GRPO.

Source: PulseMind (arXiv 2601.07344), Table 4, names the arm "GRPO with absolute scores" without its formula; the mean
over 5 is ours, and any other scale gives the same standardised advantages. Dimensions in the order of `comparisons`.
"""

from collections.abc import Sequence
from dataclasses import replace

from training.methods.comparisons import DIMENSIONS
from training.methods.reward import MINIMUM_SHARE, Reward, mean_of_scored

LOWEST, HIGHEST = 1, 5


def absolute_reward(scores_D: Sequence[float | None], *, minimum_share: float = MINIMUM_SHARE) -> Reward:
    """Return a reward in [0.2, 1] from one score a dimension, None where the judge's was unreadable.

    Raises ``ValueError`` for scores outside [1, 5] and when there is not one for each dimension.
    """
    if len(scores_D) != len(DIMENSIONS):
        raise ValueError(f"{len(scores_D)} scores for {len(DIMENSIONS)} dimensions")
    if not all(score is None or LOWEST <= score <= HIGHEST for score in scores_D):
        raise ValueError(f"a score outside {LOWEST} to {HIGHEST}; an unreadable one is None")
    mean = mean_of_scored(scores_D, minimum_share)
    return mean if mean.value is None else replace(mean, value=mean.value / HIGHEST)
