"""What a group's rewards can teach, counted: groups without a scored rollout are skipped, flat ones have no gradient.

Published: a share of flat groups is GRPO's usual health figure (TRL's frac_reward_zero_std), and ORBIT masks groups
whose spread is small. Ours: groups with one scored rollout are counted apart, since they look flat for another reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from training.methods.reward import Reward

# Equal rewards summed in another order differ by rounding, which a small deviation would blow up to advantages.
SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over groups; they add up over a batch. ``parts`` are criteria, comparisons or dimensions."""

    groups: int = 0
    skipped_groups: int = 0
    lone_groups: int = 0
    flat_groups: int = 0
    rollouts: int = 0
    unscored_rollouts: int = 0
    parts: int = 0
    unscored_parts: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def teaching_groups(self) -> int:
        """Groups whose advantages are not all zero."""
        return self.groups - self.skipped_groups - self.lone_groups - self.flat_groups


def is_flat(scored: Sequence[float], spread: float = SPREAD) -> bool:
    """Say whether two or more rewards differ by at most ``spread``."""
    return len(scored) > 1 and max(scored) - min(scored) <= spread


def tally(rewards_G: Sequence[Reward], spread: float = SPREAD) -> Tally:
    """Count one group. A larger ``spread`` also counts as flat what differs too little to be worth a step."""
    scored = [reward.value for reward in rewards_G if reward.value is not None]
    return Tally(
        groups=1,
        skipped_groups=int(not scored),
        lone_groups=int(len(scored) == 1),
        flat_groups=int(is_flat(scored, spread)),
        rollouts=len(rewards_G),
        unscored_rollouts=len(rewards_G) - len(scored),
        parts=sum(reward.parts for reward in rewards_G),
        unscored_parts=sum(reward.unscored for reward in rewards_G),
    )
