"""How far a judge agrees with experts, each figure as a function of sums so that its interval resamples whole cases.

Every label is one comparison, so that an item with three labels counts three times, as in HealthBench's published
code; the positive class is met. Unscored verdicts are in no figure but ``unscored``.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from training.evaluation.audit.audited import Audited, audited
from training.evaluation.pooled import Array, OfSums, Pooled, mean_of, ratio
from training.evaluation.rows import Row

HEADLINE = "macro_f1"


def accuracy(sums: Array) -> Array:
    """Share of comparisons on which judge and expert agree, from sums TP, TN, FP, FN as all of these."""
    tp, tn, fp, fn = _counts(sums)
    return _over(tp + tn, tp + tn + fp + fn)


def precision(sums: Array) -> Array:
    """TP / (TP + FP)."""
    tp, _, fp, _ = _counts(sums)
    return _over(tp, tp + fp)


def recall(sums: Array) -> Array:
    """TP / (TP + FN), sensitivity."""
    tp, _, _, fn = _counts(sums)
    return _over(tp, tp + fn)


def specificity(sums: Array) -> Array:
    """TN / (TN + FP)."""
    _, tn, fp, _ = _counts(sums)
    return _over(tn, tn + fp)


def npv(sums: Array) -> Array:
    """TN / (TN + FN), negative predictive value."""
    _, tn, _, fn = _counts(sums)
    return _over(tn, tn + fn)


def f1(sums: Array) -> Array:
    """F1 of met."""
    tp, _, fp, fn = _counts(sums)
    return _over(2 * tp, 2 * tp + fp + fn)


def f1_not_met(sums: Array) -> Array:
    """F1 of not met."""
    _, tn, fp, fn = _counts(sums)
    return _over(2 * tn, 2 * tn + fp + fn)


def macro_f1(sums: Array) -> Array:
    """Mean of both F1; NaN where one class is neither found nor said."""
    return (f1(sums) + f1_not_met(sums)) / 2


def kappa(sums: Array) -> Array:
    """Cohen's kappa (1960), in the form for two classes that needs no rounding: exactly 0 for independence."""
    tp, tn, fp, fn = _counts(sums)
    return _over(2 * (tp * tn - fp * fn), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn))


def alpha(sums: Array) -> Array:
    """Krippendorff's nominal alpha from sums of ``alpha_columns``."""
    unlike, true, false = sums[..., 0], sums[..., 1], sums[..., 2]
    return 1.0 - _over(unlike * (true + false - 1), 2 * true * false)


AGREEMENT: Mapping[str, OfSums] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "npv": npv,
    "f1": f1,
    "f1_not_met": f1_not_met,
    "kappa": kappa,
}
BY_GROUP = ("macro_f1", "accuracy", "kappa")


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Return the figures of an audit's log; one row of each figure's columns a sample. Headline: ``macro_f1``."""
    return figures_of([item for row in rows if (item := audited(row)) is not None])


def figures_of(items: Sequence[Audited]) -> dict[str, Pooled]:
    """Return agreement with the experts, alphas, the share unscored, and then figures by group.

    ``alpha`` takes the judge for one more rater; ``alpha_raters`` is the experts' own, left out where no item has two
    labels. A group's figure is named ``macro_f1:axis:accuracy``.
    """
    columns = confusion_columns(items)
    found = {name: Pooled(columns, of_sums) for name, of_sums in AGREEMENT.items()}
    found["alpha"] = Pooled(alpha_columns([(*item.labels, item.met) for item in items]), alpha)
    if any(len(item.labels) > 1 for item in items):
        found["alpha_raters"] = Pooled(alpha_columns([item.labels for item in items]), alpha)
    found["unscored"] = mean_of([float(item.met is None) for item in items])
    for name, inside in groups_of(items).items():
        members = np.array(inside, dtype=np.float64)[:, None]
        found |= {f"{figure}:{name}": Pooled(columns * members, AGREEMENT[figure]) for figure in BY_GROUP}
    return found


def confusion_columns(items: Iterable[Audited]) -> Array:
    """Return TP, TN, FP, FN of each item over its labels, shape (items, 4); zeros where it is unscored."""
    return np.array([_confusion(item) for item in items], dtype=np.float64).reshape(-1, 4)


def alpha_columns(units: Iterable[Sequence[bool | None]]) -> Array:
    """Return for each unit its ordered pairs of unlike ratings over (ratings - 1), its true and its false ratings.

    Shape (units, 3); zeros where fewer than two ratings are there.
    """
    return np.array([_rated(unit) for unit in units], dtype=np.float64).reshape(-1, 3)


def groups_of(items: Sequence[Audited]) -> dict[str, list[bool]]:
    """Return, for each group as ``axis:accuracy`` and in order of name, which items are in it."""
    names = sorted({(kind, name) for item in items for kind, name in item.groups.items()})
    return {f"{kind}:{name}": [item.groups.get(kind) == name for item in items] for kind, name in names}


def _confusion(item: Audited) -> tuple[int, int, int, int]:
    if item.met is None:
        return 0, 0, 0, 0
    true = sum(item.labels)
    false = len(item.labels) - true
    return (true, 0, false, 0) if item.met else (0, false, 0, true)


def _rated(unit: Sequence[bool | None]) -> tuple[float, int, int]:
    ratings = [rating for rating in unit if rating is not None]
    if len(ratings) < 2:
        return 0.0, 0, 0
    true = sum(ratings)
    false = len(ratings) - true
    return 2 * true * false / (len(ratings) - 1), true, false


def _counts(sums: Array) -> tuple[Array, Array, Array, Array]:
    return sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3]


def _over(part: Array, whole: Array) -> Array:
    return ratio(np.stack([part, whole], axis=-1))
