"""Intervals, agreement and exact tests: bootstrap, Wilson's interval, a judge's agreement with the truth and raters'
among themselves, the sign test.

Invariant: pure functions; the same data and seed give the same figures, and a figure without meaning is NaN.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
_Z = 1.959963984540054
"""The 97.5% point of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean or share with its 95% interval; ``n`` examples."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge against the truth; the positive class is met. NaN where a figure has no meaning (one class only).

    ``tp``, ``tn``, ``fp``, ``fn`` count verdicts. Source of kappa: Cohen 1960.
    """

    n: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    kappa: float
    tp: int
    tn: int
    fp: int
    fn: int

    @property
    def specificity(self) -> float:
        """Share of what is not met that the judge says is not."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def npv(self) -> float:
        """Negative predictive value: share of the judge's "not met" that is right."""
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def prevalence(self) -> float:
        """Share that is met in truth."""
        return _ratio(self.tp + self.fn, self.n)

    @property
    def f1_not_met(self) -> float:
        """F1 with not met as the positive class."""
        return _ratio(2 * self.tn, 2 * self.tn + self.fp + self.fn)

    @property
    def macro_f1(self) -> float:
        """Mean of the F1 of met and that of not met, as HealthBench's meta-evaluation has it."""
        return (self.f1 + self.f1_not_met) / 2


def bootstrap_mean(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean of ``values`` and the 2.5% and 97.5% percentiles of resampled means."""
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise ValueError("no values to average")
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, 1000):
        stop = min(start + 1000, resamples)
        means[start:stop] = data[generator.integers(0, data.size, (stop - start, data.size))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(data.mean()), float(low), float(high), int(data.size))


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Interval:
    """Return the interval of the mean of ``first - second``, resampling pairs."""
    return bootstrap_mean([a - b for a, b in zip(first, second, strict=True)], seed)


def agreement(predicted: Sequence[bool], truth: Sequence[bool]) -> Agreement:
    """Compare a judge's verdicts with the truth; the positive class is met."""
    counts = Counter(zip(predicted, truth, strict=True))
    return agreement_of_counts(counts[True, True], counts[False, False], counts[True, False], counts[False, True])


def agreement_of_counts(tp: int, tn: int, fp: int, fn: int) -> Agreement:
    """Return the agreement of a confusion table. Raises ``ValueError`` for an empty one and for a negative count."""
    n = tp + tn + fp + fn
    if n == 0 or min(tp, tn, fp, fn) < 0:
        raise ValueError("no verdicts to compare" if n == 0 else "a count below 0")
    accuracy = (tp + tn) / n
    says, is_so = (tp + fp) / n, (tp + fn) / n
    chance = says * is_so + (1 - says) * (1 - is_so)
    return Agreement(
        n=n,
        accuracy=accuracy,
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, tp + fn),
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        kappa=_ratio(accuracy - chance, 1 - chance),
        tp=tp,
        tn=tn,
        fp=fp,
        fn=fn,
    )


def wilson_interval(successes: float, n: int) -> Interval:
    """Return a share with Wilson's 95% score interval (Wilson 1927); successes may be fractions, as ties are.

    Raises ``ValueError`` unless 0 <= successes <= n and n >= 1. It takes the ``n`` for independent.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    share, z2 = successes / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach), n)


def krippendorff_alpha(units: Iterable[Sequence[Hashable | None]]) -> float:
    """Return Krippendorff's alpha of nominal ratings: one sequence of ratings for each unit, None where one is missing.

    1 - D_o / D_e with the small-sample correction (Krippendorff, Content Analysis, 2004); a unit with fewer than two
    ratings says nothing. NaN where no unit can be paired, and where all ratings are the same.
    """
    rated = [[rating for rating in unit if rating is not None] for unit in units]
    paired = [unit for unit in rated if len(unit) > 1]
    totals = Counter(rating for unit in paired for rating in unit)
    n = sum(totals.values())
    observed = math.fsum(_unlike_pairs(Counter(unit)) / (len(unit) - 1) for unit in paired)
    return 1.0 - _ratio(observed * (n - 1), _unlike_pairs(totals))


def pearson(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Pearson's correlation; NaN for fewer than two pairs and where one side does not vary.

    Raises ``ValueError`` for sides of different lengths.
    """
    pairs = np.array(list(zip(first, second, strict=True)), dtype=np.float64).reshape(-1, 2)
    if len(pairs) < 2 or np.any(pairs.min(axis=0) == pairs.max(axis=0)):
        return float("nan")
    x, y = (pairs - pairs.mean(axis=0)).T
    return float(np.clip(x @ y / math.sqrt(float(x @ x) * float(y @ y)), -1.0, 1.0))


def sign_test(above: int, below: int) -> float:
    """Return the exact two-sided p-value that ``above`` and ``below`` are as likely; ties belong to neither.

    Twice the smaller tail of a binomial with one half, at most 1; 1 where there is nothing to count. Raises
    ``ValueError`` for a negative count.
    """
    if min(above, below) < 0:
        raise ValueError("a count below 0")
    n, ways, tail = above + below, 1, 0
    for successes in range(min(above, below) + 1):
        tail += ways
        ways = ways * (n - successes) // (successes + 1)
    return min(1.0, 2 * tail / (1 << n))


def mcnemar_exact(first_right: Sequence[bool], second_right: Sequence[bool]) -> float:
    """Return the exact p-value of McNemar's test (1947) that two judges of the same verdicts are as often right.

    It is the sign test of the verdicts that only one of them has right, each taken for independent.
    """
    counts = Counter(zip(first_right, second_right, strict=True))
    return sign_test(counts[True, False], counts[False, True])


def _unlike_pairs(counts: Counter[Hashable]) -> int:
    """Ordered pairs of ratings that differ."""
    n = sum(counts.values())
    return n * n - sum(count * count for count in counts.values())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
