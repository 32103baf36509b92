"""Owns collecting criteria from rubrics: each text once, with every question that asks for it.

Invariant: nothing is dropped; a text that gives points in one rubric and costs them in another stays two criteria.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from statistics import median

from training.data.faults import Fault, FaultKind
from training.data.files import FaultyRow, raw_rows, read_records
from training.data.healthbench import HealthBenchRow
from training.data.jsonl import UnreadableFile
from training.data.kinds import told_kind
from training.data.rubrics import HealthRubric

RubricRow = HealthRubric | HealthBenchRow
KINDS: Mapping[str, type[RubricRow]] = {"health_rubric": HealthRubric, "healthbench": HealthBenchRow}


@dataclass(frozen=True, slots=True)
class Question:
    """A rubric's conversation: (role, content) of each message."""

    id: str
    messages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One criterion as one rubric has it."""

    text: str
    points: float
    axis: str | None
    question: str


@dataclass(frozen=True)
class Criterion:
    """One criterion over all rubrics; ``questions`` are the ids of those that ask for it, in order of appearance."""

    text: str
    points: float
    axis: str | None
    questions: tuple[str, ...]

    @property
    def sign(self) -> int:
        """1 for what a good answer does, -1 for a fault."""
        return 1 if self.points > 0 else -1

    @cached_property
    def key(self) -> str:
        """Hash of what makes it this criterion: text and sign."""
        return sha256(f"{self.sign}\0{self.text}".encode()).hexdigest()[:16]


def read_rubrics(path: Path) -> tuple[list[Question], list[Asked]]:
    """Read a file of health rubrics (as edited) or of HealthBench rows, told apart by their fields.

    Raises ``UnreadableFile``, ``UntoldKind`` and ``FaultyRow``, which name file and line.
    """
    kind, _ = told_kind(raw_rows(path))
    if kind.name not in KINDS:
        raise UnreadableFile(f"{path}: rows of {kind.name}, which hold no rubrics; expected {' or '.join(KINDS)}")
    questions: list[Question] = []
    asked: list[Asked] = []
    first: dict[str, int] = {}
    for number, row in enumerate(read_records(path, KINDS[kind.name]), start=1):
        question, criteria = rubric_of(row)
        if first.setdefault(question.id, number) != number:
            field = kind.id_fields[0]
            message = f"{question.id!r} is taken by row {first[question.id]}"
            raise FaultyRow(path, [Fault(number, FaultKind.DUPLICATE_ID, (field,), message)])
        questions.append(question)
        asked += criteria
    return questions, asked


def rubric_of(row: RubricRow) -> tuple[Question, list[Asked]]:
    """The question of one row, and its criteria."""
    messages = tuple((message.role, message.content) for message in row.prompt)
    if isinstance(row, HealthRubric):
        asked = [Asked(c.criterion, c.points, c.axis, row.id) for c in row.edited_rubric]
        return Question(row.id, messages), asked
    asked = [Asked(c.criterion, c.points, c.axis, row.prompt_id) for c in row.rubrics]
    return Question(row.prompt_id, messages), asked


def collect(asked: Iterable[Asked]) -> tuple[Criterion, ...]:
    """One criterion for each text and sign, in order of appearance.

    Letter case and white space do not tell texts apart. Points are the median, the axis the most frequent one.
    """
    groups: dict[tuple[str, bool], list[Asked]] = {}
    for one in asked:
        groups.setdefault((" ".join(one.text.casefold().split()), one.points > 0), []).append(one)
    return tuple(_together(group) for group in groups.values())


def _together(group: list[Asked]) -> Criterion:
    axes = Counter(one.axis for one in group if one.axis is not None)
    return Criterion(
        text=" ".join(group[0].text.split()),
        points=median(one.points for one in group),
        axis=axes.most_common(1)[0][0] if axes else None,
        questions=tuple(dict.fromkeys(one.question for one in group)),
    )


def questions_of(criteria: Iterable[Criterion]) -> Iterator[str]:
    """Ids of the questions that ask for any of the criteria, each once, in order."""
    return iter(dict.fromkeys(id_ for criterion in criteria for id_ in criterion.questions))
