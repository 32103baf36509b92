"""The audit as one self-contained page: what was asked, how far the judge agrees, what sways it, which threshold.

Invariant: every figure has its interval and its count, and what is missing is said.
"""

import math
from collections.abc import Iterator, Mapping

from training.evaluation.audit.audit import Audit, TwoJudges
from training.evaluation.audit.bias import LengthBias, LongerPreferred, PositionBias
from training.evaluation.audit.calibration import Calibration
from training.evaluation.audit.plots import GOALS, reliability, threshold_curve
from training.evaluation.audit.threshold import Choice
from training.evaluation.statistics import Agreement, Interval
from training.runs.figures import forest
from training.runs.page import Cell, drawing, heading, page, paragraph, table

MEANINGS: Mapping[str, str] = {
    "macro_f1": "mean of the F1 of met and of not met",
    "accuracy": "share of comparisons on which judge and expert agree",
    "precision": "of what the judge calls met, share that is",
    "recall": "of what is met, share that the judge calls so (sensitivity)",
    "specificity": "of what is not met, share that the judge calls so",
    "npv": "of what the judge calls not met, share that is not",
    "f1": "F1 of met",
    "f1_not_met": "F1 of not met",
    "kappa": "Cohen's kappa: agreement beyond chance, 0 at chance",
    "alpha": "Krippendorff's alpha of experts and judge together",
    "alpha_raters": "Krippendorff's alpha of the experts alone",
    "unscored": "share of items whose verdict could not be read",
}
_ABOUT = (
    "The positive class is met; every expert's label is one comparison. Intervals are 95% percentile bootstrap "
    "intervals that resample whole questions, unless another is named. Unscored verdicts are counted and in no figure."
)


def audit_page(audit: Audit, facts: Mapping[str, str | int | float]) -> str:
    """Return the page; ``facts`` say what was asked of whom, such as judge, prompt and file of labels."""
    return page("Audit of a judge", _parts(audit, facts))


def _parts(audit: Audit, facts: Mapping[str, str | int | float]) -> Iterator[str]:
    counts: dict[str, Cell] = {
        "items (an answer and a criterion)": audit.items,
        "comparisons (an item and a label)": audit.labels,
        "questions": audit.cases,
        "unscored items": audit.unscored,
    }
    yield table(["", ""], [*facts.items(), *counts.items()])
    yield paragraph(_ABOUT)
    yield heading("Agreement with the experts")
    yield from _agreement(audit)
    if audit.second is not None:
        yield heading("Two judges")
        yield from _two_judges(audit.second)
    yield heading("Calibration")
    yield from _calibration(audit.calibration)
    yield heading("Biases")
    yield from _biases(audit)
    yield heading("Threshold")
    yield from _threshold(audit)


def _agreement(audit: Audit) -> Iterator[str]:
    rows = [(name.replace("_", " "), _shown(one), MEANINGS[name]) for name, one in audit.figures.items()]
    yield table(["figure", "value", "what it is"], rows)
    if audit.table is None:
        yield paragraph("No verdict could be read, so there is no agreement to tell.")
        return
    yield paragraph("All comparisons of scored items:")
    yield _confusion(audit.table)
    if audit.groups:
        yield paragraph("By group, over scored items:")
        header = ["group", "n", *(name.replace("_", " ") for name in next(iter(audit.groups.values())))]
        yield table(
            header,
            [[name, _n(figures), *map(_shown, figures.values())] for name, figures in audit.groups.items()],
        )
    known = {name: figures["kappa"] for name, figures in audit.groups.items() if _known(figures["kappa"])}
    if known:
        title = "Kappa by group"
        yield drawing(forest(title, "Cohen's kappa", known), title)


def _confusion(found: Agreement) -> str:
    return table(
        ["comparisons", "label: met", "label: not met"],
        [("judge: met", found.tp, found.fp), ("judge: not met", found.fn, found.tn)],
    )


def _two_judges(two: TwoJudges) -> Iterator[str]:
    rows: list[list[Cell]] = [
        [name.replace("_", " "), _shown(two.figures[name]), _shown(one.interval), _p(one.p_value)]
        for name, one in two.differences.items()
    ]
    yield table(["figure", "second judge", "first minus second", "p (randomisation)"], rows)
    yield paragraph(
        f"On the {two.n} items that both could be read on. Kappa between the two {_shown(two.kappa)}; alpha among both "
        f"and the experts {_shown(two.alpha)}; McNemar's exact test of which is right more often, comparisons taken "
        f"for independent: p: {_p(two.mcnemar)}."
    )


def _calibration(found: Calibration | None) -> Iterator[str]:
    if found is None:
        yield paragraph("The verdicts have no probabilities, so there is nothing to calibrate.")
        return
    title = "Reliability curve"
    yield drawing(reliability(title, found), title)
    yield paragraph(
        "Bins of equal mass with Wilson intervals. Below the line the judge says met too readily, above it too rarely."
    )
    bins: list[tuple[Cell, ...]] = [
        (f"{one.low:.3f} to {one.high:.3f}", f"{one.mean_probability:.3f}", _shown(one.met), one.n)
        for one in found.curve
    ]
    yield table(["P(met)", "mean", "share met (Wilson)", "n"], bins)
    yield paragraph("In one number each:")
    parts = found.parts
    rows: list[tuple[Cell, ...]] = [
        (
            "expected calibration error",
            _shown(found.ece),
            "count-weighted mean distance from the line; chance pushes it up",
        ),
        ("Brier score", _shown(found.brier), "mean squared distance of probability and label"),
        ("Brier skill", _number(found.skill), "against always saying the base rate; 1 at best"),
        ("reliability", _number(parts.reliability), "part of the Brier score, 0 at best"),
        ("resolution", _number(parts.resolution), "is taken off; how far the bins differ"),
        ("uncertainty", _number(parts.uncertainty), "of the labels themselves"),
        (
            "within bins",
            _number(parts.variance_within - parts.covariance_within),
            "what binning leaves over: variance less covariance",
        ),
    ]
    yield table(["figure", "value", "what it is"], rows)


def _biases(audit: Audit) -> Iterator[str]:
    yield from _position(audit.position)
    yield from _length(audit.length)
    yield from _longer(audit.longer)


def _position(found: PositionBias | None) -> Iterator[str]:
    if found is None:
        yield paragraph("Position: no pair of answers was judged in both orders.")
        return
    rows: list[tuple[Cell, ...]] = [
        ("first shown preferred", _shown(found.first_share), "of verdicts that prefer one; 0.5 without bias"),
        ("both orders agree", _shown(found.consistency), "of pairs readable in both orders"),
        ("decided by place, for the first", found.for_first, f"against {found.for_second} for the second"),
        ("p", _p(found.p_value), "exact sign test of the two counts"),
        ("pairs", found.pairs, f"and {found.unreadable} that could not be read"),
    ]
    yield paragraph("Position: pairs of answers judged in both orders.")
    yield table(["position", "value", "what it is"], rows)


def _length(found: LengthBias | None) -> Iterator[str]:
    if found is None:
        yield paragraph("Length: no verdict could be read.")
        return
    rows: list[tuple[Cell, ...]] = [
        ("effect", _shown(found.effect), "P(met | longest third) - P(met | shortest third), at the same label"),
        ("correlation", _shown(found.correlation), "of length with verdict minus label; 0 without bias"),
    ]
    yield paragraph(
        "Length: whether longer answers are more readily said to meet a criterion, the label being the same."
    )
    yield table(["length", "value", "what it is"], rows)
    strata: list[tuple[Cell, ...]] = [
        (
            "met" if one.label else "not met",
            f"{one.tercile}, {one.shortest} to {one.longest} characters",
            _shown(one.met),
            0 if one.met is None else one.met.n,
        )
        for one in found.strata
    ]
    yield table(["label", "answers", "judge says met (Wilson)", "n"], strata)


def _longer(found: LongerPreferred | None) -> Iterator[str]:
    if found is not None:
        yield paragraph(
            f"Of {found.share.n} pairs on which both orders prefer one answer, {_shown(found.share)} prefer the longer "
            f"one (p of the sign test: {_p(found.p_value)}). Longer answers may be better: this is no bias by itself."
        )


def _threshold(audit: Audit) -> Iterator[str]:
    choice = audit.choice
    if choice is None:
        yield paragraph(f"None was chosen: {audit.no_choice}.")
        return
    title = "Value over thresholds"
    yield drawing(threshold_curve(title, choice), title)
    yield table(["figure", "value"], _choice_rows(choice))
    yield paragraph(
        "The gain is held out: each fold's questions are judged at the threshold chosen on the other folds'. "
        + (
            "Its interval lies above 0."
            if choice.better
            else "Its interval does not lie above 0: keep the present one."
        )
    )


def _choice_rows(choice: Choice) -> list[tuple[Cell, ...]]:
    goal = GOALS[choice.goal]
    return [
        ("present threshold", f"{choice.current:g}"),
        ("chosen threshold", f"{choice.threshold:g}"),
        ("chosen by fold", ", ".join(f"{value:g}" for value in choice.fold_thresholds)),
        (f"{goal}, present", choice.at_current),
        (f"{goal}, held out", choice.held_out),
        ("gain, held out", _shown(choice.gain)),
        ("p (randomisation)", _p(choice.p_value)),
        ("items, questions, unscored", f"{choice.n}, {choice.cases}, {choice.unscored}"),
    ]


def _shown(value: Interval | None) -> str | None:
    return str(value) if value is not None and _known(value) else None


def _known(value: Interval) -> bool:
    return all(map(math.isfinite, (value.mean, value.low, value.high)))


def _number(value: float) -> str | None:
    return f"{value:.4f}" if math.isfinite(value) else None


def _p(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _n(figures: Mapping[str, Interval]) -> int:
    return next(iter(figures.values())).n
