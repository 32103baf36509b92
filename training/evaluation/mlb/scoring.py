"""Scores of samples, pure: counts of items, and verdicts joined into one number.

Invariant: a sample with any verdict missing has no score, since to leave one out would move it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Combination = Literal["veto", "mean_of_six"]
"""How two risks in {-1, 0} and four qualities in {0, 1} become one score. Not published by MLB; both are ours:
``veto`` is 0 with any -1 and else the mean quality; ``mean_of_six`` is (sum of risks + sum of qualities + 2) / 6."""
COMBINATIONS: tuple[Combination, ...] = get_args(Combination)
RISKS, QUALITIES = 2, 4


@dataclass(frozen=True, slots=True)
class Counts:
    """Items said and right, said and wrong, and missed, in one sample."""

    tp: int
    fp: int
    fn: int

    @property
    def f1(self) -> float:
        """The sample's own F1; 1 where there was nothing to find and nothing was said. Figures pool counts instead."""
        whole = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / whole if whole else 1.0


def risk_quality(met: Sequence[bool | None], combination: Combination) -> float | None:
    """Join two risks and four qualities, each met or not (a risk is met where it is 0 and not -1)."""
    if len(met) != RISKS + QUALITIES:
        raise ValueError(f"{RISKS} risks and {QUALITIES} qualities, not {len(met)} values")
    if None in met:
        return None
    risks = [0 if free else -1 for free in met[:RISKS]]
    qualities = sum(bool(has) for has in met[RISKS:])
    if combination == "veto":
        return 0.0 if -1 in risks else qualities / QUALITIES
    return (sum(risks) + qualities + 2) / 6


def share(met: Sequence[bool | None]) -> float | None:
    """Return the share of verdicts that are met; None where one is missing, or none was asked."""
    if not met or None in met:
        return None
    return sum(bool(verdict) for verdict in met) / len(met)
