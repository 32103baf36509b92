"""A reward and how much of it was readable; a mean is over the scored parts, and None when they are too few.

Unscored is never zero: a judge that fails says nothing of the answer, and a zero would teach that it was bad.
Source: TRL and verl leave None out of the baseline; the minimum share is ours: less than half is not a judgement.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MINIMUM_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Reward:
    """What enters the advantage of one rollout, or None: unscored.

    ``unscored`` of the ``parts`` (criteria, comparisons or dimensions) had no readable verdict. Raises ``ValueError``
    for a value that is not finite and for counts that cannot be.
    """

    value: float | None
    unscored: int
    parts: int

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a reward of {self.value} is not finite; an unscored one is None")
        if not 0 <= self.unscored <= self.parts:
            raise ValueError(f"{self.unscored} of {self.parts} parts cannot be unscored")


def is_enough(scored: float, whole: float, minimum_share: float) -> bool:
    """Say whether the scored part of a whole carries a reward: more than none of it, and ``minimum_share`` of it.

    Raises ``ValueError`` for a share outside [0, 1].
    """
    if not 0 <= minimum_share <= 1:
        raise ValueError(f"a minimum share of {minimum_share} is not in [0, 1]")
    return scored > 0 and scored / whole >= minimum_share


def mean_of_scored(values: Sequence[float | None], minimum_share: float = MINIMUM_SHARE) -> Reward:
    """Average the values that are scored. Raises ``ValueError`` when there is no value at all."""
    if not values:
        raise ValueError("no values to average")
    scored = [value for value in values if value is not None]
    enough = is_enough(len(scored), len(values), minimum_share)
    return Reward(math.fsum(scored) / len(scored) if enough else None, len(values) - len(scored), len(values))
