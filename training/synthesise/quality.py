"""Owns which rubrics are worth training on: verdicts over several answers in, kept or dropped with the reason out.

Invariant: pure; an unscored verdict counts for nothing, neither as met nor as not met.
Source: ORBIT (InfiMed, arXiv 2510.15859): 8 rollouts, mean score in [0, 0.75], criteria by pass rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from training.data.healthbench import HealthBenchCriterion
from training.methods.reward import mean_of_scored
from training.methods.rubric_reward import rubric_rewards

Verdicts = Sequence[Sequence[bool | None]]
"""Of shape (rollouts, criteria): met, not met, or None where unscored."""


class Drop(StrEnum):
    """Why a rubric is left out."""

    SATURATED = "saturated"
    NEVER_MET = "never_met"
    BELOW = "below"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True, slots=True)
class Bounds:
    """``min_mean`` to ``max_mean`` is kept; ``max_pass_rate`` None keeps every criterion (as ORBIT's main run)."""

    min_mean: float = 0.0
    max_mean: float = 0.75
    max_pass_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rollouts show of one rubric. Scores are points of met criteria over positive points, not clipped.

    ``mean`` is None where fewer than half of the rollouts have a score. A pass is the verdict that a good answer gets
    (a fault not made passes); its rate is None for a criterion that no verdict was read of.
    """

    scores_G: tuple[float | None, ...]
    mean: float | None
    any_positive_met: bool
    pass_rates_K: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of a rubric: the criteria that stay, or why it goes."""

    kept: tuple[HealthBenchCriterion, ...]
    dropped_criteria: int
    drop: Drop | None


def figures(criteria_K: Sequence[HealthBenchCriterion], verdicts_GK: Verdicts) -> Figures:
    """Sum one rubric's verdicts up. Raises ``ValueError`` where their shapes differ."""
    scores_G = tuple(reward.value for reward in rubric_rewards(criteria_K, verdicts_GK))
    met = any(
        verdict and criterion.points > 0
        for verdicts_K in verdicts_GK
        for criterion, verdict in zip(criteria_K, verdicts_K, strict=True)
    )
    columns = zip(*verdicts_GK, strict=True)
    rates_K = tuple(_pass_rate(criterion, column_G) for criterion, column_G in zip(criteria_K, columns, strict=True))
    return Figures(scores_G, mean_of_scored(scores_G).value, met, rates_K)


def sift(criteria_K: Sequence[HealthBenchCriterion], verdicts_GK: Verdicts, bounds: Bounds) -> Sifted:
    """Keep or drop one rubric, by the figures over all its criteria. Raises ``ValueError`` where no mean is known.

    ``NEVER_MET``: no rollout meets a criterion with positive points, so every score is at or below zero and nothing
    that is asked for can be learnt. ``BELOW`` and ``SATURATED``: the mean lies outside the bounds. Criteria that pass
    at ``max_pass_rate`` or more then go one by one; ``NOTHING_LEFT``: none with positive points stays.
    """
    found = figures(criteria_K, verdicts_GK)
    if found.mean is None:
        raise ValueError("too few rollouts were scored to judge the rubric by")
    if reason := _reason(found, found.mean, bounds):
        return Sifted((), 0, reason)
    limit = bounds.max_pass_rate
    kept = tuple(
        criterion
        for criterion, rate in zip(criteria_K, found.pass_rates_K, strict=True)
        if limit is None or rate is None or rate < limit
    )
    gone = len(criteria_K) - len(kept)
    if not any(criterion.points > 0 for criterion in kept):
        return Sifted((), gone, Drop.NOTHING_LEFT)
    return Sifted(kept, gone, None)


def _reason(found: Figures, mean: float, bounds: Bounds) -> Drop | None:
    if not found.any_positive_met:
        return Drop.NEVER_MET
    if mean < bounds.min_mean:
        return Drop.BELOW
    return Drop.SATURATED if mean > bounds.max_mean else None


def _pass_rate(criterion: HealthBenchCriterion, verdicts_G: Sequence[bool | None]) -> float | None:
    scored = [verdict == (criterion.points > 0) for verdict in verdicts_G if verdict is not None]
    return sum(scored) / len(scored) if scored else None
