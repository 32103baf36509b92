"""The gate's rule: may a candidate take the place of what is served, judged by both models' scores on the same cases?

Invariant: pure; a figure that one side cannot give is no ground for passing it, and unscored is never a low score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.statistics import Interval, bootstrap_mean
from training.export.scores import CaseScore, ScoresError, paired


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse a candidate's figure may look before it is refused (ours).

    On 250 cases two draws of one model differ in mean guided score by 0.018 (standard error, from the bundled model's
    interval), in verdict accuracy by 0.007 and in the share of answers worse than their draft by 0.006: an equal
    candidate is refused about once in twenty.
    """

    guided: float = 0.03
    worse_share: float = 0.02
    verdict_accuracy: float = 0.02
    unscored_share: float = 0.02


@dataclass(frozen=True, slots=True)
class Figures:
    """One model's figures. None where nothing was there to count.

    ``guided`` is over scored cases, ``worse_share`` over cases with both scores, ``unscored_share`` over all verdicts
    asked for, ``unscored_cases`` a share of all cases.
    """

    guided: float
    worse_share: float | None
    verdict_accuracy: float | None
    unscored_share: float | None
    unscored_cases: float


@dataclass(frozen=True, slots=True)
class Decision:
    """``difference`` is candidate minus served, paired; ``reasons`` say why the candidate is refused."""

    difference: Interval
    candidate: Figures
    served: Figures
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be served."""
        return not self.reasons


def decide(candidate: Sequence[CaseScore], served: Sequence[CaseScore], margins: Margins | None = None) -> Decision:
    """Compare the two on the same cases.

    Refused when the 95% bootstrap interval of the paired guided difference lies below zero, when its mean lies below
    ``-margins.guided``, or when another figure is worse by more than its margin, or missing on the candidate's side.
    Raises ``ScoresError`` when ids differ or no case is scored on both sides.
    """
    limits = margins or Margins()
    differences = [
        mine.guided - other.guided
        for mine, other in paired(candidate, served)
        if mine.guided is not None and other.guided is not None
    ]
    if not differences:
        raise ScoresError("no case is scored on both sides")
    difference, mine, other = bootstrap_mean(differences), figures_of(candidate), figures_of(served)
    return Decision(difference, mine, other, (*_guided(difference, limits), *_others(mine, other, limits)))


def figures_of(rows: Sequence[CaseScore]) -> Figures:
    """Return the figures of one model, at least one of whose cases is scored."""
    guided = [row.guided for row in rows if row.guided is not None]
    both = [row.guided < row.draft - 1e-9 for row in rows if row.guided is not None and row.draft is not None]
    verdicts, unscored = sum(row.verdicts for row in rows), sum(row.unscored_verdicts for row in rows)
    return Figures(
        guided=sum(guided) / len(guided),
        worse_share=_share(sum(both), len(both)),
        verdict_accuracy=_share(sum(row.right for row in rows), verdicts),
        unscored_share=_share(unscored, verdicts + unscored),
        unscored_cases=1 - len(guided) / len(rows),
    )


def _guided(difference: Interval, limits: Margins) -> list[str]:
    if difference.high < 0:
        return [f"guided score: the whole interval of the difference is below zero, {difference}"]
    if difference.mean < -limits.guided:
        return [f"guided score: lower by more than {limits.guided}, {difference}"]
    return []


def _others(mine: Figures, other: Figures, limits: Margins) -> list[str]:
    compared = (
        ("share of answers worse than their draft", mine.worse_share, other.worse_share, limits.worse_share, +1),
        ("verdict accuracy", mine.verdict_accuracy, other.verdict_accuracy, limits.verdict_accuracy, -1),
        ("share of unscored verdicts", mine.unscored_share, other.unscored_share, limits.unscored_share, +1),
        ("share of unscored cases", mine.unscored_cases, other.unscored_cases, limits.unscored_share, +1),
    )
    reasons = []
    for name, candidate, served, margin, worse in compared:
        if served is None:
            continue
        if candidate is None:
            reasons.append(f"{name}: {served:.3f} is served, the candidate has none")
        elif worse * (candidate - served) > margin:
            reasons.append(f"{name}: {candidate:.3f}, {served:.3f} is served, more than {margin} worse")
    return reasons


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
