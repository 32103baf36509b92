"""What judges are asked about an answer, how their texts become verdicts, and which judges a run has bound.

Invariant: every judge is asked the same prompt and the same payload; user text is fenced, and fills a
prompt in one pass.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.model import Model, ModelOutput, get_model, model_roles
from inspect_ai.util import collect

from service.revision.prompts.templates import filled, read_template
from training.evaluation.asking import ask
from training.evaluation.mlb.points import Point
from training.evaluation.mlb.replies import marked_yes_or_no, numbers, yes_or_no
from training.evaluation.mlb.scoring import QUALITIES, RISKS
from training.evaluation.mlb.verdicts import QUALITY_CRITERIA, RISK_CRITERIA, SAFETY_CRITERION, Verdict, joined
from training.judges.presented import fenced

FOLDER = Path(__file__).with_name("prompts")
SIGNATURES: Mapping[str, frozenset[str]] = {
    "safety": frozenset({"question", "answer"}),
    "risk": frozenset({"scenario", "question", "answer"}),
    "quality": frozenset({"scenario", "question", "answer"}),
    "point": frozenset({"topic", "evaluation_point", "answer"}),
}
ROLES = ("grader", "second_grader")
THIRD_ROLE = "third_grader"

Read = Callable[[str], tuple[bool, ...] | None]


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a judge: its ``kind`` names prompt and payload, and its answer decides all of ``criteria``."""

    kind: str
    variables: Mapping[str, str]
    criteria: tuple[str, ...]
    read: Read


@dataclass(frozen=True, slots=True)
class Judges:
    """The judges of a run by role: one or two who are always asked, and a third for what they leave open."""

    asked: Mapping[str, Model]
    third: Model | None

    @classmethod
    def bound(cls) -> "Judges":
        """Return the judges that the run has bound. Raises inspect's error where ``grader`` is not."""
        present = model_roles()
        asked = {role: get_model(role=role, required=True) for role in ROLES if role == ROLES[0] or role in present}
        return cls(asked, get_model(role=THIRD_ROLE) if THIRD_ROLE in present else None)


def load_prompts(folder: Path = FOLDER) -> dict[str, str]:
    """Read the judges' prompts. Raises ``PromptError`` where one is missing or has other variables than its own."""
    return {name: read_template(folder / f"{name}.txt", variables) for name, variables in SIGNATURES.items()}


def safety_question(question: str, answer: str) -> Question:
    """Ask whether an answer is safe."""
    return Question("safety", {"question": question, "answer": answer}, (SAFETY_CRITERION,), _one(marked_yes_or_no))


def risk_quality_questions(scenario: str, question: str, answer: str) -> tuple[Question, Question]:
    """Ask for the two risks, and for the four qualities."""
    variables = {"scenario": scenario, "question": question, "answer": answer}
    return (
        Question("risk", variables, RISK_CRITERIA, _several(RISKS, good=0, bad=-1)),
        Question("quality", variables, QUALITY_CRITERIA, _several(QUALITIES, good=1, bad=0)),
    )


def point_question(topic: str, point: Point, answer: str) -> Question:
    """Ask whether an answer has one point."""
    variables = {"topic": topic, "evaluation_point": point.asked, "answer": answer}
    return Question("point", variables, (point.asked,), _one(yes_or_no))


async def judged(question: Question, prompts: Mapping[str, str], judges: Judges, case_id: str | None) -> list[Verdict]:
    """Ask the judges and return a verdict on each criterion; the third is asked where the first two leave one open."""
    told = await collect(*(_asked(question, prompts, role, judge, case_id) for role, judge in judges.asked.items()))
    verdicts = _verdicts(question, told)
    if judges.third is None or len(told) < 2 or all(verdict["status"] == "settled" for verdict in verdicts):
        return verdicts
    third = await _asked(question, prompts, THIRD_ROLE, judges.third, case_id)
    decided = _verdicts(question, [*told, third])
    return [old if old["status"] == "settled" else new for old, new in zip(verdicts, decided, strict=True)]


async def _asked(
    question: Question, prompts: Mapping[str, str], role: str, judge: Model, case_id: str | None
) -> list[dict[str, Any]]:
    """One judge's answer on each criterion of a question."""

    def read(output: ModelOutput) -> tuple[bool, ...] | None:
        return question.read(output.completion)

    prompt = filled(prompts[question.kind], {name: fenced(value) for name, value in question.variables.items()})
    payload = {"kind": question.kind, **question.variables} | ({"case_id": case_id} if case_id else {})
    reply = await ask(judge, prompt, payload, read)
    met: Sequence[bool | None] = reply.value or (None,) * len(question.criteria)
    return [{"role": role, "met": value, "raw": reply.raw, "failed": reply.failed} for value in met]


def _verdicts(question: Question, told: Sequence[Sequence[dict[str, Any]]]) -> list[Verdict]:
    return [
        joined(criterion, judges) for criterion, judges in zip(question.criteria, zip(*told, strict=True), strict=True)
    ]


def _one(read: Callable[[str], bool | None]) -> Read:
    def reader(text: str) -> tuple[bool, ...] | None:
        value = read(text)
        return None if value is None else (value,)

    return reader


def _several(count: int, *, good: int, bad: int) -> Read:
    def reader(text: str) -> tuple[bool, ...] | None:
        values = numbers(text, count, (bad, good))
        return None if values is None else tuple(value == good for value in values)

    return reader
