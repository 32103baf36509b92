"""How well a judge agrees with physicians, and they with each other: macro-F1, pooled and as a mean over categories.

Invariant: the two aggregations are never mixed: simple-evals reports the pooled one, the paper (arXiv 2505.08775,
section 8) averages over its 34 consensus categories. A label counts once for each physician; what the judge left
unread is no pair.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.healthbench.figures import THEMES
from training.evaluation.pooled import Array, Pooled
from training.evaluation.rows import Row

COUNTS = ("tp", "fp", "fn", "tn")
"""Pairs of a rater's verdict and one physician's label; met is the positive class."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One criterion of one answer with physicians' labels, one each."""

    category: str
    labels: tuple[bool, ...]
    physicians: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Physicians:
    """Each physician against the others on the same items, averaged over physicians by their pairs.

    ``pooled``: over all of a physician's pairs. ``categories``: the mean over ``by_category``; ``by_theme`` likewise.
    NaN where no physician has a macro-F1.
    """

    pooled: float
    categories: float
    by_theme: Mapping[str, float]
    by_category: Mapping[str, float]


def counts(verdict: bool, labels: Iterable[bool]) -> tuple[int, int, int, int]:
    """Count a verdict's pairs with labels: TP, FP, FN, TN."""
    met = list(labels)
    agreeing, other = met.count(True), met.count(False)
    return (agreeing, other, 0, 0) if verdict else (0, 0, agreeing, other)


def macro_f1(sums: Array) -> Array:
    """The mean of the F1 of met and the F1 of not met, from columns TP, FP, FN, TN: shape (..., 4) to (...).

    As simple-evals has it: NaN unless each class is both said and labelled at least once.
    """
    tp, fp, fn, tn = np.moveaxis(sums, -1, 0)
    defined = (tp + fp > 0) & (tp + fn > 0) & (tn + fn > 0) & (tn + fp > 0)
    wrong = np.where(defined, fp + fn, 1.0)
    return np.where(defined, tp / (2 * tp + wrong) + tn / (2 * tn + wrong), np.nan)


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Return a judge's figures, the headline first.

    ``macro_f1_pooled``; ``macro_f1_categories``; ``categories_undefined``, those that have no macro-F1 (a class that
    is never said, or never labelled) and so are not in the mean; ``theme:...``, the means over a theme's categories;
    ``cluster:...``, the categories.
    """
    categories = sorted({row.metadata["category"] for row in rows})
    columns = np.zeros((len(rows), len(categories), len(COUNTS)))
    place_of = {category: place for place, category in enumerate(categories)}
    for number, row in enumerate(rows):
        columns[number, place_of[row.metadata["category"]]] = [row.values.get(name) or 0.0 for name in COUNTS]
    pooled = Pooled(columns.sum(axis=1), macro_f1)
    found = {"macro_f1_pooled": pooled, "macro_f1_categories": _over_categories(columns)}
    found["categories_undefined"] = Pooled(_flat(columns), lambda sums: _undefined(_by_category(sums)))
    for theme in _themes(categories):
        found[theme] = _over_categories(columns[:, [place_of[c] for c in categories if theme_of(c) == theme]])
    return found | {category: Pooled(columns[:, place_of[category]], macro_f1) for category in categories}


def physicians(items: Iterable[Labelled]) -> Physicians:
    """Compare each physician's labels with the others' on the same items.

    A physician's macro-F1 is weighted by the pairs that enter its two F1s (TP + FP + FN of each class), as simple-evals
    counts them; physicians who have none are left out.
    """
    pairs: dict[tuple[str, str], Array] = defaultdict(lambda: np.zeros(len(COUNTS)))
    for item in items:
        for number, (physician, label) in enumerate(zip(item.physicians, item.labels, strict=True)):
            others = [*item.labels[:number], *item.labels[number + 1 :]]
            pairs[physician, item.category] += counts(label, others)
    of_category: dict[str, list[Array]] = defaultdict(list)
    of_physician: dict[str, Array] = defaultdict(lambda: np.zeros(len(COUNTS)))
    for (physician, category), own in pairs.items():
        of_category[category].append(own)
        of_physician[physician] += own
    by_category = {category: _weighted(of_category[category]) for category in sorted(of_category)}
    by_theme = {
        theme: _mean([value for category, value in by_category.items() if theme_of(category) == theme])
        for theme in _themes(by_category)
    }
    return Physicians(_weighted(list(of_physician.values())), _mean(by_category.values()), by_theme, by_category)


def theme_of(category: str) -> str:
    """Return the theme whose name a category's begins with; a category of no published theme is its own."""
    name = category.removeprefix("cluster:")
    return "theme:" + next((theme for theme in THEMES if name.startswith(theme)), name)


def _themes(categories: Iterable[str]) -> list[str]:
    return sorted({theme_of(category) for category in categories})


def _flat(columns: Array) -> Array:
    return columns.reshape(len(columns), columns.shape[1] * len(COUNTS))


def _by_category(sums: Array) -> Array:
    return macro_f1(sums.reshape(*sums.shape[:-1], -1, len(COUNTS)))


def _over_categories(columns: Array) -> Pooled:
    return Pooled(_flat(columns), lambda sums: _nan_mean(_by_category(sums)))


def _nan_mean(values: Array) -> Array:
    defined = np.isfinite(values)
    total, n = np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1)
    means: Array = np.divide(total, n, out=np.full(total.shape, np.nan), where=n != 0)
    return means


def _undefined(values: Array) -> Array:
    absent: Array = (~np.isfinite(values)).sum(axis=-1).astype(np.float64)
    return absent


def _mean(values: Iterable[float]) -> float:
    return float(_nan_mean(np.array(list(values), dtype=np.float64)))


def _weighted(pairs: Sequence[Array]) -> float:
    sums = np.array(pairs, dtype=np.float64).reshape(-1, len(COUNTS))
    values = macro_f1(sums)
    tp, fp, fn, tn = sums.T
    weights = np.where(np.isfinite(values), tp + tn + 2 * (fp + fn), 0.0)
    whole = weights.sum()
    return float((np.nan_to_num(values) * weights).sum() / whole) if whole else float("nan")
