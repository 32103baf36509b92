"""Owns the questions that rollouts are drawn for: prompts with ids, and their rubrics where the method needs them.

Invariant: every question has an id of its own, and a rubric has positive points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.fields import Message
from training.data.files import raw_rows, read_records
from training.data.healthbench import HealthBenchRow
from training.data.kinds import UntoldKind, told_kind
from training.data.queries import Query
from training.data.rubrics import HealthRubric
from training.runs.folder import RunError


@dataclass(frozen=True, slots=True)
class Graded:
    """One criterion of a rubric: text, signed points, and the axis it belongs to, where one is named."""

    text: str
    points: float
    axis: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt (role and content of each message, the last one the user's) and its rubric, empty where none is."""

    id: str
    prompt: tuple[dict[str, str], ...]
    criteria_K: tuple[Graded, ...] = ()


def read_questions(path: Path, *, rubrics: bool) -> list[Question]:
    """Read questions from HealthBench-format rows, HealthRubrics, or bare queries where ``rubrics`` aren't needed.

    Raises ``RunError`` for another kind of row, for ids that repeat and for no row at all; ``FaultyRow`` and
    ``UnreadableFile`` as the data files do.
    """
    try:
        kind, _ = told_kind(raw_rows(path))
    except UntoldKind as error:
        raise RunError(f"{path}: {error}") from error
    if kind.record not in _READERS or (rubrics and kind.record is Query):
        raise RunError(f"{path}: rows of kind {kind.name} hold no {'rubrics' if rubrics else 'questions'}")
    make = _READERS[kind.record]
    questions = [make(record) for record in read_records(path, kind.record)]
    if not questions:
        raise RunError(f"{path}: no questions")
    seen: set[str] = set()
    if repeated := [q.id for q in questions if q.id in seen or seen.add(q.id)]:  # type: ignore[func-returns-value]
        raise RunError(f"{path}: the id {repeated[0]!r} stands for {repeated.count(repeated[0]) + 1} questions")
    return questions


def _of_healthbench(row: object) -> Question:
    assert isinstance(row, HealthBenchRow)
    criteria_K = tuple(Graded(c.criterion, c.points, c.axis) for c in row.rubrics)
    return Question(row.prompt_id, _plain(row.prompt), criteria_K)


def _of_health_rubric(row: object) -> Question:
    assert isinstance(row, HealthRubric)
    criteria_K = tuple(Graded(c.criterion, float(c.points), c.axis) for c in row.edited_rubric)
    return Question(row.id, _plain(row.prompt), criteria_K)


def _of_query(row: object) -> Question:
    assert isinstance(row, Query)
    return Question(row.id, _plain(row.prompt))


_READERS: dict[type, Callable[[object], Question]] = {
    HealthBenchRow: _of_healthbench,
    HealthRubric: _of_health_rubric,
    Query: _of_query,
}


def _plain(messages: Sequence[Message]) -> tuple[dict[str, str], ...]:
    return tuple({"role": message.role, "content": message.content} for message in messages)
