"""The samples that lost most from one arm to another, with both answers and both sides' verdicts.

Invariant: everything is read from the logs as it was written; what was not recorded is None or empty.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.reports.comparing import paired_rows
from training.evaluation.reports.reading import Arm, read_whole_rows
from training.evaluation.rows import Row

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One criterion and what was said of both answers; None is unscored, and ``asked`` tells it from never asked."""

    criterion: str
    points: float | None
    before: bool | None
    after: bool | None
    asked_before: bool
    asked_after: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Regression:
    """One sample whose score fell. ``criteria`` and ``edits`` are the gateway's own, from its record of the request."""

    before: Row
    after: Row
    fall: float
    verdicts: tuple[SideBySide, ...]
    outcome: str | None
    own_draft: str | None
    criteria: tuple[Mapping[str, Any], ...]
    edits: tuple[Mapping[str, Any], ...]


def regressions(before: Arm, after: Arm, most: int = 10) -> list[Regression]:
    """Return the samples with the largest fall of score from one arm to the other, the largest first."""
    pairs = paired_rows(before.rows, after.rows)
    falls = {
        (a.id, a.epoch): a.score - b.score
        for a, b in zip(pairs.first, pairs.second, strict=True)
        if a.score is not None and b.score is not None and a.score - b.score > _SAME
    }
    keys = sorted(falls, key=lambda key: (-falls[key], key))[:most]
    if not keys:
        return []
    first, second = read_whole_rows(before.facts.log, keys), read_whole_rows(after.facts.log, keys)
    return [_regression(first[key], second[key], falls[key]) for key in keys]


def side_by_side(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[SideBySide, ...]:
    """Join two answers' verdicts by criterion; the n-th verdict on a text belongs with the n-th on the same text."""
    theirs = _by_criterion(after)
    joined = []
    for criterion, verdicts in _by_criterion(before).items():
        others = theirs.pop(criterion, [])
        for place in range(max(len(verdicts), len(others))):
            joined.append(_joined(criterion, _at(verdicts, place), _at(others, place)))
    rest = [_joined(criterion, None, verdict) for criterion, verdicts in theirs.items() for verdict in verdicts]
    return (*joined, *rest)


def _regression(before: Row, after: Row, fall: float) -> Regression:
    trace = after.answered.trace or {}
    draft = trace.get("draft")
    return Regression(
        before=before,
        after=after,
        fall=fall,
        verdicts=side_by_side(before.verdicts, after.verdicts),
        outcome=trace.get("outcome"),
        own_draft=draft if draft != before.answered.text else None,
        criteria=tuple(trace.get("criteria", ())),
        edits=tuple(trace.get("edits", ())),
    )


def _by_criterion(verdicts: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for verdict in verdicts:
        found[str(verdict["criterion"])].append(verdict)
    return dict(found)


def _at(verdicts: Sequence[Mapping[str, Any]], place: int) -> Mapping[str, Any] | None:
    return verdicts[place] if place < len(verdicts) else None


def _joined(criterion: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> SideBySide:
    told = before or after or {}
    return SideBySide(
        criterion,
        told.get("points"),
        None if before is None else before["met"],
        None if after is None else after["met"],
        before is not None,
        after is not None,
        str((after or {}).get("reason") or ""),
    )
