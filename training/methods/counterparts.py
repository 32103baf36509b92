"""The counterparts' answers to one prompt: fixed, cached, and refreshed when the policy beats them all.

Published: five fixed models (arXiv 2601.07344), no refresh. Ours: all are beaten at a win rate of 0.95, before groups
turn flat; the most beaten gives way to the group's best answer (BRPO, arXiv 2506.00103, compares with a rollout).
One at a time is enough: its cells differ again, and the others keep progress measurable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.methods.crpo import CrpoReward
from training.methods.reward import MINIMUM_SHARE
from training.methods.win_rates import per_counterpart

BEATEN = 0.95


@dataclass(frozen=True, slots=True)
class Counterpart:
    """One fixed opponent's answer; ``refreshes`` says how often it gave way to one of the policy's."""

    label: str
    answer: str
    refreshes: int = 0


@dataclass(frozen=True, slots=True)
class Counterparts:
    """The cached answers to one prompt. Raises ``ValueError`` for none and for labels that repeat."""

    prompt_id: str
    answers_C: tuple[Counterpart, ...]

    def __post_init__(self) -> None:
        if not self.answers_C or len(set(self.labels)) != len(self.answers_C):
            raise ValueError(f"prompt {self.prompt_id!r} needs counterparts, each with a label of its own")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order: what a pairing takes."""
        return tuple(counterpart.label for counterpart in self.answers_C)

    def refreshed(self, labels: Sequence[str], answer: str) -> "Counterparts":
        """A new value in which ``answer`` stands for the labels named. Raises ``ValueError`` for a label it lacks."""
        if unknown := set(labels) - set(self.labels):
            raise ValueError(f"prompt {self.prompt_id!r} has no counterpart {sorted(unknown)}")
        return replace(
            self,
            answers_C=tuple(
                replace(c, answer=answer, refreshes=c.refreshes + 1) if c.label in labels else c for c in self.answers_C
            ),
        )


def all_beaten(rewards_G: Sequence[CrpoReward], threshold: float = BEATEN) -> bool:
    """Say whether the group's win rate reaches ``threshold`` against every counterpart.

    A counterpart with fewer than half of its cells scored is not known to be beaten. Rewards of several groups of one
    prompt may be given together if no counterpart was refreshed between them. Raises ``ValueError`` when they were not
    compared with the same.
    """
    if len({reward.others_C for reward in rewards_G}) != 1:
        raise ValueError("no rewards, or rewards from different counterparts")
    rates_C = per_counterpart([reward.cells_CD for reward in rewards_G])
    read_C = per_counterpart([_readable(reward) for reward in rewards_G])
    return all(
        rate is not None and rate >= threshold and read is not None and read >= MINIMUM_SHARE
        for rate, read in zip(rates_C, read_C, strict=True)
    )


def to_refresh(
    counterparts: Counterparts, rewards_G: Sequence[CrpoReward], *, threshold: float = BEATEN, count: int = 1
) -> tuple[str, ...]:
    """Return the labels to refresh: none unless all are beaten, else the ``count`` most beaten, first come first.

    Raises ``ValueError`` for rewards of other counterparts than these.
    """
    if any(reward.others_C != counterparts.labels for reward in rewards_G):
        raise ValueError(f"prompt {counterparts.prompt_id!r}: rewards from other counterparts")
    if not all_beaten(rewards_G, threshold):
        return ()
    rates_C = per_counterpart([reward.cells_CD for reward in rewards_G])
    ranked = sorted(zip(counterparts.labels, rates_C, strict=True), key=lambda labelled: -(labelled[1] or 0.0))
    return tuple(label for label, _ in ranked[:count])


def best_rollout(rewards_G: Sequence[CrpoReward]) -> str | None:
    """Return the label of the rollout with the highest reward, the first of equals; None where none is scored."""
    scored = [(reward.reward.value, reward.rollout) for reward in rewards_G if reward.reward.value is not None]
    return max(scored, key=lambda valued: valued[0])[1] if scored else None


def _readable(reward: CrpoReward) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(cell is not None) for cell in row_D) for row_D in reward.cells_CD)
