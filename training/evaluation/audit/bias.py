"""What sways a judge besides what it judges: the place in which an answer is shown, and the answer's length.

Invariant: position is measured on the same pair in both orders, length at the same label, so that neither takes a real
difference between answers for a bias.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from training.evaluation.audit.audited import Audited
from training.evaluation.pooled import Array, Pooled, interval, mean_of, ratio
from training.evaluation.statistics import Interval, sign_test, wilson_interval

Place = Literal["first", "second", "tie"]
"""The place of the better answer as it was shown, or neither."""
PLACES: tuple[Place, ...] = get_args(Place)
_OTHER: dict[Place, Place] = {"first": "second", "second": "first", "tie": "tie"}
TERCILES = ("short", "middle", "long")


@dataclass(frozen=True, slots=True)
class BothOrders:
    """One pair judged twice: ``first_order`` with answer A shown first, ``second_order`` with B shown first.

    Both name a place, not an answer: (first, second) prefers A twice, (first, first) whoever stood first. None:
    unreadable. ``lengths`` are A's and B's in characters.
    """

    case: str
    first_order: Place | None
    second_order: Place | None
    lengths: tuple[int, int] | None = None

    @property
    def readable(self) -> bool:
        """Whether both orders are."""
        return self.first_order is not None and self.second_order is not None

    @property
    def consistent(self) -> bool:
        """Whether both orders prefer the same answer, or both neither; only where they are readable."""
        return self.second_order is not None and self.first_order == _OTHER[self.second_order]


@dataclass(frozen=True, slots=True)
class PositionBias:
    """``first_share``: of verdicts that prefer one, those that prefer the first shown, 0.5 without bias.

    ``consistency``: of pairs readable in both orders, those whose orders agree (Zheng et al. 2023, "Judging
    LLM-as-a-judge"). ``p_value``: exact sign test of pairs decided by place alone, for the first against for the
    second. ``unreadable`` pairs are in none of them.
    """

    first_share: Interval
    consistency: Interval
    for_first: int
    for_second: int
    p_value: float
    pairs: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class LongerPreferred:
    """Of pairs on which both orders prefer one answer, the share that prefer the longer one; equals are left out.

    One half would be no preference only if longer answers were no better: compare it with the experts' own share.
    """

    share: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """P(judge says met | label, length tercile), with Wilson's interval; None where nothing is there."""

    label: bool
    tercile: str
    shortest: int
    longest: int
    met: Interval | None


@dataclass(frozen=True, slots=True)
class LengthBias:
    """Whether the judge says "met" more readily of longer answers, the truth being the same.

    ``effect``: P(met | long) - P(met | short) within each label, averaged over the labels by how many comparisons have
    them in the short and long terciles (direct standardisation; a label with none in either is left out); 0 without
    bias. ``correlation``: Pearson's r of length
    and of what the judge says beyond the label, met - label; 0 where errors do not go with length.
    """

    effect: Interval
    correlation: Interval
    strata: tuple[Stratum, ...]


def position_bias(pairs: Sequence[BothOrders], *, seed: int = 0) -> PositionBias | None:
    """Return the position bias of comparisons, intervals over cases; None where no pair is readable in both orders."""
    read = [pair for pair in pairs if pair.readable]
    if not read:
        return None
    cases = [pair.case for pair in read]
    said = [(pair.first_order, pair.second_order) for pair in read]
    counts = np.array([[orders.count("first"), 2 - orders.count("tie")] for orders in said], dtype=np.float64)
    for_first, for_second = (sum(_leaning(orders) == side for orders in said) for side in (1, -1))
    return PositionBias(
        first_share=interval(Pooled(counts, ratio), cases, seed=seed),
        consistency=interval(mean_of([float(pair.consistent) for pair in read]), cases, seed=seed),
        for_first=for_first,
        for_second=for_second,
        p_value=sign_test(for_first, for_second),
        pairs=len(read),
        unreadable=len(pairs) - len(read),
    )


def longer_preferred(pairs: Iterable[BothOrders], *, seed: int = 0) -> LongerPreferred | None:
    """Return how often the settled winner is the longer answer; None where no settled pair has two lengths."""
    longer, cases = [], []
    for pair in pairs:
        if pair.readable and pair.consistent and pair.first_order != "tie" and pair.lengths is not None:
            a, b = pair.lengths
            if a != b:
                longer.append(float((a > b) == (pair.first_order == "first")))
                cases.append(pair.case)
    if not longer:
        return None
    wins = int(sum(longer))
    return LongerPreferred(interval(mean_of(longer), cases, seed=seed), sign_test(wins, len(longer) - wins))


def length_bias(items: Sequence[Audited], *, seed: int = 0) -> LengthBias | None:
    """Return the length bias of verdicts on criteria, intervals over cases; None where nothing is scored."""
    scored = [item for item in items if item.met is not None]
    if not scored:
        return None
    cases = [item.case for item in scored]
    lengths_N = np.array([item.length for item in scored], dtype=np.float64)
    cuts = np.quantile(lengths_N, [1 / 3, 2 / 3])
    tercile_N = np.searchsorted(cuts, lengths_N, side="left")
    columns = _strata_columns(scored, tercile_N)
    return LengthBias(
        effect=interval(Pooled(columns, _effect), cases, seed=seed),
        correlation=interval(_correlation(scored, lengths_N), cases, seed=seed),
        strata=tuple(_strata(columns.sum(axis=0), lengths_N, tercile_N)),
    )


def _leaning(orders: Sequence[Place | None]) -> int:
    """1 where place alone decided and for the first shown, -1 for the second, 0 where it did not.

    A tie in one order leaves the preference to the other's place.
    """
    if orders[0] is None or orders[1] is None or orders[0] == _OTHER[orders[1]]:
        return 0
    return 1 if "first" in orders else -1


def _strata_columns(items: Sequence[Audited], tercile_N: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Array:
    """Comparisons and those said to be met, by label (not met, met) and tercile: shape (items, 12)."""
    table = np.zeros((len(items), 2, len(TERCILES), 2))
    for row, (item, tercile) in enumerate(zip(items, tercile_N, strict=True)):
        for label in item.labels:
            table[row, int(label), tercile] += (1, float(bool(item.met)))
    return table.reshape(len(items), -1)


def _effect(sums: Array) -> Array:
    table = sums.reshape(*sums.shape[:-1], 2, len(TERCILES), 2)
    share = ratio(table[..., ::-1])
    short, long = table[..., 0, 0], table[..., 2, 0]
    ends = np.where((short > 0) & (long > 0), short + long, 0.0)
    apart = np.where(ends > 0, share[..., 2] - share[..., 0], 0.0)
    return ratio(np.stack([(ends * apart).sum(axis=-1), ends.sum(axis=-1)], axis=-1))


def _correlation(items: Sequence[Audited], lengths_N: Array) -> Pooled:
    """Pearson's r as a function of sums; lengths are centred and scaled first, for the sake of rounding."""
    spread = float(lengths_N.std()) or 1.0
    rows = []
    for length, item in zip((lengths_N - lengths_N.mean()) / spread, items, strict=True):
        beyond = [float(bool(item.met)) - label for label in item.labels]
        n, y, yy = len(beyond), sum(beyond), sum(value**2 for value in beyond)
        rows.append((n, length * n, y, length**2 * n, yy, length * y))
    return Pooled(np.array(rows, dtype=np.float64), _pearson)


def _pearson(sums: Array) -> Array:
    n, x, y, xx, yy, xy = (sums[..., column] for column in range(6))
    spread = np.maximum(0.0, n * xx - x * x) * np.maximum(0.0, n * yy - y * y)
    known = np.where(spread > 1e-9 * n**4, spread, 0.0)
    return np.clip(ratio(np.stack([n * xy - x * y, np.sqrt(known)], axis=-1)), -1.0, 1.0)


def _strata(sums: Array, lengths_N: Array, tercile_N: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Iterable[Stratum]:
    table = sums.reshape(2, len(TERCILES), 2)
    for label in (False, True):
        for number, name in enumerate(TERCILES):
            inside = lengths_N[tercile_N == number]
            n, met = table[int(label), number]
            if len(inside):
                shown = wilson_interval(float(met), int(n)) if n else None
                yield Stratum(label, name, int(inside.min()), int(inside.max()), shown)
