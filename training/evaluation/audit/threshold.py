"""Which probability a verdict should count as met from: expected cost or F1 at every cut, and the gain held out.

Invariant: the gain of a threshold is measured on cases that had no part in choosing it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import numpy as np

from training.evaluation.audit.audited import Audited
from training.evaluation.pooled import Array, OfSums, Pooled, paired, ratio
from training.evaluation.pooled import micro_f1 as f1_of_sums
from training.evaluation.statistics import Interval

FOLDS = 5
CURVE_POINTS = 500
Goal = Literal["cost", "f1"]


class ThresholdError(Exception):
    """No threshold can be chosen from these verdicts; the message says why."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a wrong verdict costs the gateway, per comparison with a label.

    ``missed_fault``: something is wrong with the draft and the verdict lets it pass (a wish said to be met that is not,
    a named fault said to be absent that is there). ``needless_edit``: nothing is wrong and an edit is asked for.
    """

    missed_fault: float = 1.0
    needless_edit: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.missed_fault < float("inf") and 0 < self.needless_edit < float("inf")):
            raise ValueError("a cost has to be above 0, and finite")


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold chosen on all cases, and what it is worth.

    ``gain`` is the fall of the expected cost (or the rise of F1) against ``current``, held out: each fold's cases are
    judged at the threshold of the others (``fold_thresholds``). ``at_current`` and ``held_out`` are the goal's value at
    the two. ``curve`` holds the goal's value on all cases at up to ``CURVE_POINTS`` candidates. ``unscored`` verdicts
    have no say.
    """

    goal: Goal
    threshold: float
    current: float
    gain: Interval
    p_value: float
    at_current: float
    held_out: float
    fold_thresholds: tuple[float, ...]
    curve: tuple[tuple[float, float], ...]
    n: int
    cases: int
    unscored: int

    @property
    def better(self) -> bool:
        """Whether the whole interval of the gain lies above 0."""
        return self.gain.low > 0


@dataclass(frozen=True, slots=True)
class _Judged:
    """Probabilities, and the columns that each item adds when said to be met and when not; higher ``of_sums`` wins."""

    p_N: Array
    if_met: Array
    if_not: Array
    of_sums: OfSums

    def take(self, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "_Judged":
        return _Judged(self.p_N[inside], self.if_met[inside], self.if_not[inside], self.of_sums)

    def at(self, threshold_N: Array) -> Array:
        return np.where((self.p_N >= threshold_N)[:, None], self.if_met, self.if_not)

    def values(self, candidates: Array) -> Array:
        """The figure at each candidate, in one pass over the sorted probabilities."""
        order = np.argsort(self.p_N, kind="stable")
        nothing = np.zeros((1, self.if_met.shape[1]))
        below = np.concatenate([nothing, np.cumsum(self.if_not[order], axis=0)])
        above = np.concatenate([np.cumsum(self.if_met[order][::-1], axis=0)[::-1], nothing])
        cut = np.searchsorted(self.p_N[order], candidates, side="left")
        return self.of_sums(below[cut] + above[cut])


def choose(
    items: Sequence[Audited],
    *,
    current: float,
    goal: Goal = "cost",
    costs: Costs | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> Choice:
    """Choose the threshold that serves the goal best, of equals the one nearest to ``current``.

    Candidates lie between neighbouring probabilities, written as short as they can be. Raises ``ThresholdError`` where
    no verdict has a probability, where all labels are one class, and for fewer cases than folds.
    """
    scored = [item for item in items if item.probability is not None]
    names = sorted({item.case for item in scored})
    if len({met for item in scored for met in item.labels}) < 2:
        raise ThresholdError("a threshold needs verdicts with a probability, on labels of both kinds")
    if len(names) < folds:
        raise ThresholdError(f"{len(names)} cases cannot be put into {folds} folds")
    judged = _judged(scored, goal, costs or Costs())
    cases = [item.case for item in scored]
    fold_N = _folds(cases, names, folds, seed)
    chosen = [_best(judged.take(fold_N != fold), current) for fold in range(folds)]
    held = Pooled(judged.at(np.array(chosen)[fold_N]), judged.of_sums)
    before = Pooled(judged.at(np.full(len(scored), current)), judged.of_sums)
    gain = paired(held, before, cases, seed=seed)
    threshold = _best(judged, current)
    tried = np.unique([*_thinned(candidates_of(judged.p_N)), threshold, current])
    sign = -1.0 if goal == "cost" else 1.0
    return Choice(
        goal=goal,
        threshold=threshold,
        current=current,
        gain=gain.interval,
        p_value=gain.p_value,
        at_current=sign * before.value,
        held_out=sign * held.value,
        fold_thresholds=tuple(chosen),
        curve=tuple(zip(tried.tolist(), (sign * judged.values(tried)).tolist(), strict=True)),
        n=len(scored),
        cases=len(names),
        unscored=len(items) - len(scored),
    )


def candidates_of(p_N: Array) -> Array:
    """Return one threshold between each two neighbouring probabilities, below the least and above the greatest too.

    Each parts its neighbours as their middle does, and lies strictly between 0 and 1; a gap without such a number has
    no candidate.
    """
    distinct = np.unique(np.concatenate([[0.0], p_N, [1.0]])).tolist()
    found = (short_between(low, high) for low, high in pairwise(distinct))
    return np.array([value for value in found if value is not None], dtype=np.float64)


def short_between(low: float, high: float) -> float | None:
    """Return the number of fewest decimals strictly between two others that is nearest to their middle; None: none."""
    middle = (Decimal(low) + Decimal(high)) / 2
    for digits in range(1, 18):
        value = float(round(middle, digits))
        if low < value < high:
            return value
    return None


def _best(judged: _Judged, current: float) -> float:
    tried = np.append(candidates_of(judged.p_N), current)
    values = judged.values(tried)
    if np.isnan(values).all():
        return current
    good = tried[values >= np.nanmax(values) - 1e-12]
    return float(good[np.argmin(np.abs(good - current))])


def _thinned(candidates: Array) -> Array:
    places = np.linspace(0, len(candidates) - 1, min(len(candidates), CURVE_POINTS)).round().astype(np.intp)
    return candidates[places]


def _judged(items: Sequence[Audited], goal: Goal, costs: Costs) -> _Judged:
    rows = [_cost_row(item, costs) if goal == "cost" else _f1_row(item) for item in items]
    p_N = np.array([item.probability for item in items], dtype=np.float64)
    if_met, if_not = (np.array([row[side] for row in rows], dtype=np.float64) for side in (0, 1))
    return _Judged(p_N, if_met, if_not, ratio if goal == "cost" else f1_of_sums)


def _cost_row(item: Audited, costs: Costs) -> tuple[tuple[float, int], tuple[float, int]]:
    """Minus the cost, and the comparisons, when said to be met and when not."""
    true, n = sum(item.labels), len(item.labels)
    wrong_if_met, wrong_if_not = n - true, true
    if item.fault:
        return (-costs.needless_edit * wrong_if_met, n), (-costs.missed_fault * wrong_if_not, n)
    return (-costs.missed_fault * wrong_if_met, n), (-costs.needless_edit * wrong_if_not, n)


def _f1_row(item: Audited) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    true = sum(item.labels)
    return (true, len(item.labels) - true, 0), (0, 0, true)


def _folds(
    cases: Sequence[str], names: Sequence[str], folds: int, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The fold of each item; whole cases, and folds of as many cases as can be."""
    shuffled = np.random.default_rng(seed).permutation(len(names))
    of_case = {names[place]: number % folds for number, place in enumerate(shuffled.tolist())}
    return np.array([of_case[case] for case in cases], dtype=np.intp)
