"""One item of an audit as its figures see it: the experts' labels, one judge's verdict, and what may have swayed it.

Invariant: a verdict that could not be read is None here, and in no figure but the share that is unscored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.evaluation.audit.labels import Labelled
from training.evaluation.rows import Row

GRADER, SECOND = "grader", "second_grader"
"""Model roles of the judge that is audited and of one that is compared with it."""

Labels = Sequence[bool]
LabelsOf = Callable[[str, str], Labels | None]
"""From an answer's text and a criterion's to the experts' labels; None where there are none."""


@dataclass(frozen=True, slots=True)
class Audited:
    """``case`` is what intervals are clustered by; ``length`` counts the answer's characters.

    ``labels`` has one or more; ``points`` below 0 name a fault, None are taken for a wish.
    """

    case: str
    labels: tuple[bool, ...]
    met: bool | None
    probability: float | None
    length: int
    points: float | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> bool:
        """Whether the criterion names a fault, so that "met" is bad news."""
        return self.points is not None and self.points < 0


def about(item: Labelled) -> dict[str, Any]:
    """Return what a sample's metadata tells of its item, for ``audited`` to read back."""
    return {
        "criterion": item.criterion,
        "points": item.points,
        "labels": list(item.labels),
        "groups": dict(item.groups),
        "case": item.case,
    }


def audited(row: Row, judge: str = GRADER) -> Audited | None:
    """Return a row of an audit's own log as one judge has it; None where that judge was not asked."""
    verdict = next((verdict for verdict in row.verdicts if verdict["judge"] == judge), None)
    if verdict is None:
        return None
    told = row.metadata
    return _audited(row.cluster, told["labels"], verdict, len(row.answered.text), told["points"], told["groups"])


def audited_in(rows: Iterable[Row], labels_of: LabelsOf) -> tuple[list[Audited], int]:
    """Audit the verdicts of the role ``grader`` that are in a log already, of any benchmark that judges criteria.

    Returns the labelled ones, and how many have no label and are left out. Groups are a verdict's axis and category.
    """
    found, unlabelled = [], 0
    for row in rows:
        text = row.answered.text
        for verdict in row.verdicts:
            if verdict.get("judge", GRADER) != GRADER:
                continue
            labels = labels_of(text, str(verdict["criterion"]))
            if not labels:
                unlabelled += 1
                continue
            groups = {name: str(verdict[name]) for name in ("axis", "category") if verdict.get(name)}
            found.append(_audited(row.cluster, labels, verdict, len(text), verdict.get("points"), groups))
    return found, unlabelled


def audited_in_traces(rows: Iterable[Row], labels_of: LabelsOf) -> tuple[list[Audited], int]:
    """Audit the gateway's own verdicts on its drafts, from the traces that guided answers carry in a log.

    Criteria are those that the gateway wrote itself, which its threshold has to serve. Returns as ``audited_in``.
    """
    found, unlabelled = [], 0
    for row in rows:
        trace = row.answered.trace or {}
        for criterion in trace.get("criteria", ()):
            labels = labels_of(trace["draft"], criterion["text"])
            if not labels:
                unlabelled += 1
                continue
            verdict = criterion["before"] or {"met": None}
            found.append(_audited(row.cluster, labels, verdict, len(trace["draft"]), criterion["points"], {}))
    return found, unlabelled


def by_answer(items: Iterable[Labelled]) -> LabelsOf:
    """Return a look-up among labels by the texts of answer and criterion, whatever was asked."""
    known: dict[tuple[str, str], tuple[bool, ...]] = {}
    for item in items:
        key = (item.answer, item.criterion)
        known[key] = known.get(key, ()) + item.labels
    return lambda answer, criterion: known.get((answer, criterion))


def _audited(
    case: str,
    labels: Labels,
    verdict: Mapping[str, Any],
    length: int,
    points: float | None,
    groups: Mapping[str, str],
) -> Audited:
    return Audited(case, tuple(labels), verdict["met"], verdict.get("probability"), length, points, groups)
