"""The whole audit of a judge: every figure of it with its interval, as plain data for the page and for JSON.

Invariant: pure; unscored verdicts are counted, and in no other figure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from training.evaluation.audit.audited import Audited
from training.evaluation.audit.bias import (
    BothOrders,
    LengthBias,
    LongerPreferred,
    PositionBias,
    length_bias,
    longer_preferred,
    position_bias,
)
from training.evaluation.audit.calibration import Calibration, calibration
from training.evaluation.audit.figures import (
    AGREEMENT,
    BY_GROUP,
    alpha,
    alpha_columns,
    confusion_columns,
    figures_of,
    groups_of,
    kappa,
)
from training.evaluation.audit.threshold import Choice, Costs, Goal, ThresholdError, choose
from training.evaluation.pooled import Difference, Pooled, interval, paired
from training.evaluation.statistics import Agreement, Interval, agreement_of_counts, mcnemar_exact


@dataclass(frozen=True, slots=True)
class TwoJudges:
    """A second judge beside the first, on the items that both could be read on.

    ``differences``: first minus second, paired. ``mcnemar``: exact p-value over comparisons, taken for independent.
    ``kappa`` is between the two, ``alpha`` among both and the experts, who are raters like them.
    """

    figures: Mapping[str, Interval]
    differences: Mapping[str, Difference]
    mcnemar: float
    kappa: Interval
    alpha: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Audit:
    """``labels`` are comparisons, of ``items`` (an answer and a criterion) in ``cases`` (questions).

    ``table`` is over scored items, None where none is; ``groups`` maps a group as ``axis:accuracy`` to its figures.
    ``choice`` is None where no threshold could be chosen, for the reason in ``no_choice``.
    """

    items: int
    labels: int
    cases: int
    unscored: int
    table: Agreement | None
    figures: Mapping[str, Interval]
    groups: Mapping[str, Mapping[str, Interval]]
    calibration: Calibration | None
    length: LengthBias | None
    position: PositionBias | None
    longer: LongerPreferred | None
    choice: Choice | None
    no_choice: str
    second: TwoJudges | None


def audit(
    items: Sequence[Audited],
    *,
    second: Sequence[Audited] = (),
    pairs: Sequence[BothOrders] = (),
    current: float = 0.5,
    goal: Goal = "cost",
    costs: Costs | None = None,
    seed: int = 0,
) -> Audit:
    """Audit one judge; ``second`` are another's verdicts on the same items in the same order, or none.

    ``current`` is the threshold that another has to be better than. Raises ``ValueError`` without items.
    """
    if not items:
        raise ValueError("nothing to audit")
    scored = [item for item in items if item.met is not None]
    choice, no_choice = _choice(items, current, goal, costs, seed)
    return Audit(
        items=len(items),
        labels=sum(len(item.labels) for item in items),
        cases=len({item.case for item in items}),
        unscored=len(items) - len(scored),
        table=_table(scored),
        figures=_figures(items, scored, seed),
        groups=_groups(scored, seed),
        calibration=calibration(items, seed=seed),
        length=length_bias(items, seed=seed),
        position=position_bias(pairs, seed=seed),
        longer=longer_preferred(pairs, seed=seed),
        choice=choice,
        no_choice=no_choice,
        second=_two_judges(items, second, seed) if second else None,
    )


def as_json(value: Any) -> Any:
    """Return dataclasses as plain data; what is not finite is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return as_json(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(scored: Sequence[Audited]) -> Agreement | None:
    if not scored:
        return None
    tp, tn, fp, fn = (int(count) for count in confusion_columns(scored).sum(axis=0))
    return agreement_of_counts(tp, tn, fp, fn)


def _figures(items: Sequence[Audited], scored: Sequence[Audited], seed: int) -> dict[str, Interval]:
    """Agreement over what was scored; the experts' own alpha and the share unscored over everything."""
    every, cases = figures_of(items), [item.case for item in items]
    found = _agreement(scored, [*AGREEMENT, "alpha"], seed) if scored else {}
    rest = {name: interval(every[name], cases, seed=seed) for name in ("alpha_raters", "unscored") if name in every}
    return found | rest


def _agreement(scored: Sequence[Audited], names: Sequence[str], seed: int) -> dict[str, Interval]:
    found, cases = figures_of(scored), [item.case for item in scored]
    return {name: interval(found[name], cases, seed=seed) for name in names}


def _groups(scored: Sequence[Audited], seed: int) -> dict[str, dict[str, Interval]]:
    found = {}
    for name, inside in groups_of(scored).items():
        members = [item for item, is_in in zip(scored, inside, strict=True) if is_in]
        found[name] = _agreement(members, BY_GROUP, seed)
    return found


def _choice(
    items: Sequence[Audited], current: float, goal: Goal, costs: Costs | None, seed: int
) -> tuple[Choice | None, str]:
    try:
        return choose(items, current=current, goal=goal, costs=costs, seed=seed), ""
    except ThresholdError as error:
        return None, str(error)


def _two_judges(first: Sequence[Audited], second: Sequence[Audited], seed: int) -> TwoJudges | None:
    both = [(a, b) for a, b in zip(first, second, strict=True) if a.met is not None and b.met is not None]
    if not both:
        return None
    ours, theirs, cases = [a for a, _ in both], [b for _, b in both], [a.case for a, _ in both]
    ours_of, theirs_of = figures_of(ours), figures_of(theirs)
    right = [(label == a.met, label == b.met) for a, b in both for label in a.labels]
    said = [Audited(a.case, (bool(b.met),), a.met, None, a.length) for a, b in both]
    return TwoJudges(
        figures=_agreement(theirs, [*AGREEMENT], seed),
        differences={name: paired(ours_of[name], theirs_of[name], cases, seed=seed) for name in BY_GROUP},
        mcnemar=mcnemar_exact([a for a, _ in right], [b for _, b in right]),
        kappa=interval(Pooled(confusion_columns(said), kappa), cases, seed=seed),
        alpha=interval(Pooled(alpha_columns([(*a.labels, a.met, b.met) for a, b in both]), alpha), cases, seed=seed),
        n=len(both),
    )
