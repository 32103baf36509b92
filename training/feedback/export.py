"""Owns turning an export of feedback into training data: rubrics, comparisons, labels, and what is left out.

Invariant: every file of a side comes from the same feedback; what reviewers disagree on is kept, listed and measured.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from principles.proposals import RubricCriterion
from service.revision.feedback import AddedCriterion, FeedbackRecord
from training.data.chats import Chat
from training.data.comparisons import Comparison
from training.data.counterparts import CounterpartRow
from training.data.files import write_records
from training.data.judge_labels import JudgeLabel
from training.data.queries import Query
from training.data.rubrics import HealthRubric
from training.feedback.agreement import Ratings, agreement, conflicts, preference_ratings, verdict_ratings
from training.feedback.labels import judge_labels
from training.feedback.preferences import comparisons, counterparts, preferred_chat, query
from training.feedback.rubrics import health_rubric
from training.feedback.splits import held_out_ids
from training.feedback.usable import LeftOut, Reviewed, Unusable, reviewed
from training.runs.files import replace_whole

R = TypeVar("R", bound=BaseModel)
SIDES = ("train", "held_out")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, by side and file, and what was left out of each, by reason; ``records`` came in."""

    records: int
    rows: dict[str, dict[str, int]]
    left_out: dict[str, dict[str, int]]
    agreement: dict[str, dict[str, float | int | None]]
    conflicts: int


def export(records: Sequence[FeedbackRecord], folder: Path, held_out: float) -> Exported:
    """Write ``train/`` and ``held_out/``, ``criteria.jsonl``, ``conflicts.jsonl`` and ``summary.json``.

    ``held_out`` is the share of patients that is held out. Raises ``ValueError`` for a share that is none, and
    ``RunError`` where a file cannot be written.
    """
    left_out: dict[str, Counter[str]] = defaultdict(Counter)
    usable: list[Reviewed] = []
    for record in records:
        try:
            usable.append(reviewed(record))
        except Unusable as error:
            left_out["all"][error.reason.value] += 1
    apart = held_out_ids(usable, held_out)
    rows = {}
    for side in SIDES:
        chosen = [row for row in usable if (row.record.id in apart) == (side == "held_out")]
        rows[side] = _write_side(folder / side, chosen, left_out)
    ratings = {"preferred": preference_ratings(records), "verdicts": verdict_ratings(records)}
    rows["all"] = {"criteria": write_records(_place(folder, "criteria"), _criteria(usable), RubricCriterion)}
    found = Exported(
        len(records),
        rows,
        {name: dict(counts) for name, counts in left_out.items()},
        {name: _figures(of) for name, of in ratings.items()},
        _write_conflicts(folder / "conflicts.jsonl", ratings),
    )
    replace_whole(folder / "summary.json", [json.dumps(asdict(found), indent=1).encode()])
    return found


def _write_side(folder: Path, rows: Sequence[Reviewed], left_out: dict[str, Counter[str]]) -> dict[str, int]:
    def each(name: str, make: Callable[[Reviewed], Iterable[R]], of: Iterable[Reviewed] = rows) -> list[R]:
        made: list[R] = []
        for row in of:
            try:
                made += make(row)
            except Unusable as error:
                left_out[name][error.reason.value] += 1
            except ValidationError:
                left_out[name][LeftOut.TEXT.value] += 1
        return made

    questions = {row.question: row for row in reversed(rows)}
    asked = [row for row in rows if questions[row.question] is row]
    return {
        "rubrics": _write(folder, "rubrics", each("rubrics", lambda row: [health_rubric(row)]), HealthRubric),
        "comparisons": _write(folder, "comparisons", each("comparisons", comparisons), Comparison),
        "chats": _write(folder, "chats", each("chats", lambda row: [preferred_chat(row)]), Chat),
        "labels": _write(folder, "labels", each("labels", judge_labels), JudgeLabel),
        "queries": _write(folder, "queries", each("queries", lambda row: [query(row)], asked), Query),
        "counterparts": _write(
            folder, "counterparts", each("counterparts", lambda row: [counterparts(row)], asked), CounterpartRow
        ),
    }


def _write(folder: Path, name: str, rows: list[R], kind: type[R]) -> int:
    return write_records(_place(folder, name), rows, kind)


def _place(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.jsonl"


def _criteria(rows: Sequence[Reviewed]) -> Iterable[RubricCriterion]:
    """What ``principles propose`` reads: each rubric as it was drafted, and what reviewers added to it."""
    for row in rows:
        shared = {"feedback": row.record.id, "question": row.question}
        for criterion in row.criteria:
            if criterion.points:
                text, points, cited = criterion.text, criterion.points, criterion.principle
                yield _row(shared, text, points, cited, origin="drafted")
        for edit in row.record.rubric:
            if isinstance(edit, AddedCriterion) and edit.text is not None:
                yield _row(shared, edit.text, edit.points, edit.principle, origin="reviewer", reviewer=row.reviewer)


def _row(shared: dict[str, str], text: str, points: int, principle: str | None, **rest: str) -> RubricCriterion:
    content = {"criterion": text, "points": points, "principle_id": principle}
    return RubricCriterion.model_validate({**shared, **content, **rest})


def _write_conflicts(path: Path, ratings: dict[str, Ratings]) -> int:
    lines = [
        json.dumps({"about": about, "unit": one.unit, "ratings": dict(one.ratings)})
        for about, of in ratings.items()
        for one in conflicts(of)
    ]
    replace_whole(path, ["".join(f"{line}\n" for line in lines).encode()])
    return len(lines)


def _figures(ratings: Ratings) -> dict[str, Any]:
    """Agreement as JSON has it: a figure without meaning is null."""
    found = asdict(agreement(ratings))
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in found.items()}
