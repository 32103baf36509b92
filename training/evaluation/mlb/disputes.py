"""Criteria that the judges left open: who disagreed on what, and the rows with what experts decided about it.

Invariant: a decision holds for one criterion of one answer, known by the answer's hash, and for no other answer to the
same question; rows are never changed, and what nobody decided stays unscored.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.evaluation.mlb.verdicts import unscored_in, values_of
from training.evaluation.rows import Row
from training.evaluation.statistics import agreement


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of one answer, wherever that answer is found again."""

    dataset: str
    sample: str
    criterion: str
    answer_sha: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open criterion with all that an expert needs; ``reason`` is disagreed or unreadable, ``judges`` in order."""

    about: Criterion
    epoch: int
    reason: str
    question: str
    answer: str
    judges: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What an expert decided; ``line`` is where in the file."""

    about: Criterion
    met: bool
    line: int


@dataclass(frozen=True, slots=True)
class Applied:
    """Rows with decisions in their place, and counts: criteria settled, criteria still open, decisions for none."""

    rows: tuple[Row, ...]
    settled: int
    still_open: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class JudgesAgree:
    """How often two judges said the same, over the ``n`` criteria that both could be read on, and Cohen's kappa."""

    n: int
    rate: float
    kappa: float


def disputes_of(rows: Sequence[Row]) -> list[Dispute]:
    """Return every criterion that judges were asked and that is without a verdict, in the order of the rows."""
    return [
        Dispute(
            _about(row, verdict["criterion"]),
            row.epoch,
            verdict["status"],
            row.metadata["question"],
            row.answered.text,
            tuple(verdict["judges"]),
        )
        for row in rows
        for verdict in row.verdicts
        if verdict["met"] is None
    ]


def applied(rows: Sequence[Row], decisions: Sequence[Decision]) -> Applied:
    """Settle the open criteria that experts decided, and score their samples anew from the verdicts alone.

    Criteria that the judges settled stay as they are: a decision about one counts as unmatched.
    """
    decided = {decision.about: decision.met for decision in decisions}
    used: set[Criterion] = set()
    new = tuple(_settled(row, decided, used) for row in rows)
    still_open = sum(unscored_in(row.verdicts) for row in new)
    settled = sum(unscored_in(row.verdicts) for row in rows) - still_open
    return Applied(new, settled, still_open, len(decided) - len(used))


def judges_agree(rows: Sequence[Row]) -> JudgesAgree:
    """Compare the first two judges over all criteria that both were asked; NaN where there are none."""
    pairs = [
        (verdict["judges"][0]["met"], verdict["judges"][1]["met"])
        for row in rows
        for verdict in row.verdicts
        if len(verdict.get("judges", ())) > 1
    ]
    read = [(first, second) for first, second in pairs if first is not None and second is not None]
    if not read:
        return JudgesAgree(0, math.nan, math.nan)
    first, second = zip(*read, strict=True)
    told = agreement(second, first)
    return JudgesAgree(told.n, told.accuracy, told.kappa)


def sha_of(answer: str) -> str:
    """Return the hash by which an answer is known."""
    return hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _about(row: Row, criterion: str) -> Criterion:
    return Criterion(row.metadata["dataset"], row.id, criterion, sha_of(row.answered.text))


def _settled(row: Row, decided: Mapping[Criterion, bool], used: set[Criterion]) -> Row:
    verdicts = []
    for verdict in row.verdicts:
        about = _about(row, verdict["criterion"])
        if verdict["met"] is None and about in decided:
            used.add(about)
            verdict = {**verdict, "met": decided[about], "status": "settled", "by": "experts", "needs_review": False}
        verdicts.append(verdict)
    if unscored_in(verdicts) == unscored_in(row.verdicts):
        return row
    values = {name: None if math.isnan(value) else value for name, value in values_of(row.metadata, verdicts).items()}
    return replace(row, verdicts=tuple(verdicts), values=values, unscored=unscored_in(verdicts))
