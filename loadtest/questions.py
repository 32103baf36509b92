"""The questions of a run, one JSON object to a line: ``{"id": "...", "messages": [...]}``.

Invariant: ids are unique; which questions are timed depends on the file, the number and the seed alone.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.client import Message


class QuestionsError(Exception):
    """The file of questions is missing, empty, or has a line of another shape."""


@dataclass(frozen=True, slots=True)
class Question:
    """One conversation that awaits an answer."""

    id: str
    messages: tuple[Message, ...]


def read_questions(path: Path) -> list[Question]:
    """Read every question of a file. Raises ``QuestionsError`` with the line's number."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise QuestionsError(f"{path}: {error.strerror}") from error
    questions = [_question(line, f"{path.name}:{n}") for n, line in enumerate(lines, start=1) if line.strip()]
    if not questions:
        raise QuestionsError(f"{path}: no questions")
    if len({question.id for question in questions}) < len(questions):
        raise QuestionsError(f"{path}: ids are not unique")
    return questions


def choose(
    questions: Sequence[Question], requests: int, warmup: int, seed: int
) -> tuple[list[Question], list[Question]]:
    """Draw the timed questions and those of the warm-up, which are others as long as there are any."""
    drawn = list(questions)
    random.Random(seed).shuffle(drawn)
    timed, spare = drawn[:requests], drawn[requests:]
    return timed, (spare or timed)[:warmup]


def _question(line: str, where: str) -> Question:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise QuestionsError(f"{where}: not JSON") from error
    match row:
        case {"id": str(id_), "messages": [_, *_] as messages} if all(_is_message(item) for item in messages):
            return Question(id_, tuple(messages))
    raise QuestionsError(f"{where}: needs an id and messages with role and content")


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("role"), str) and "content" in item
