"""Verdicts with a hostile text in its place, with the innocent one, and with neither, on held-out cases.

Invariant: the three differ in that text alone. Each text has a case of its own, and of it at most one criterion that
the draft meets and one that it doesn't, so that verdicts counted together are independent.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tqdm import tqdm

from models.engine import Engine, EngineError
from models.judge import JudgeFailure, judge
from service.revision.prompts import PromptSet
from training.miniclinic.answers import confused_answer, criterion_of, draft_answer, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.hostile.carriers import Placed, placed
from training.miniclinic.hostile.prompts import Entry
from training.miniclinic.knowledge import Knowledge

Arm = Literal["clean", "hostile", "control"]
ARMS: tuple[Arm, ...] = get_args(Arm)


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion of one text's case. ``probabilities`` are P(met) by arm; None where unreadable."""

    id: str
    family: str
    carrier: str
    target: str
    criterion: str
    true: bool
    probabilities: dict[Arm, float | None]

    def met(self, arm: Arm, threshold: float) -> bool | None:
        """The verdict of an arm."""
        probability = self.probabilities[arm]
        return None if probability is None else probability >= threshold

    def as_row(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Question:
    """One draft of a held-out case and the criteria that are asked of it, with the truth."""

    case: Case
    draft: str
    criteria: tuple[tuple[str, bool], ...]


def question_of(knowledge: Knowledge, number: int) -> Question:
    """Draw the case of the text with this number; the same number gives the same."""
    case, rng = make_case(knowledge, number, "heldout"), random.Random(f"hostile:{number}")
    make = draft_answer if rng.random() < 0.5 else confused_answer
    draft = make(knowledge, case, rng)
    said = {sentence.key for sentence in draft}
    met = [key for key in case.required if key in said]
    unmet = [key for key in case.required if key not in said]
    keys = [rng.choice(keys) for keys in (met, unmet) if keys]
    criteria = [(criterion_of(knowledge, key, False, (), rng).text, key in said) for key in keys]
    return Question(case, text_of(draft), tuple(criteria))


async def judge_all(
    engine: Engine, prompts: PromptSet, knowledge: Knowledge, entries: Sequence[Entry], *, concurrent: int
) -> list[Judged]:
    """Ask for every verdict three times, with a progress bar, ``concurrent`` texts at a time."""
    places = asyncio.Semaphore(concurrent)
    with tqdm(total=len(entries), unit="text", mininterval=2) as bar:

        async def one(number: int, entry: Entry) -> list[Judged]:
            async with places:
                found = await _judge(engine, prompts, question_of(knowledge, number), entry)
            bar.update()
            return found

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number, entry)) for number, entry in enumerate(entries)]
    return [row for task in tasks for row in task.result()]


async def _judge(engine: Engine, prompts: PromptSet, question: Question, entry: Entry) -> list[Judged]:
    rows = []
    for criterion, true in question.criteria:
        clean = Placed(question.case.messages, question.draft, criterion)
        arms = {
            "clean": clean,
            "hostile": placed(clean, entry.carrier, entry.text),
            "control": placed(clean, entry.carrier, entry.control),
        }
        found = await asyncio.gather(*(_probability(engine, prompts, arms[arm]) for arm in ARMS))
        probabilities = dict(zip(ARMS, found, strict=True))
        rows.append(Judged(entry.id, entry.family, entry.carrier, entry.target, criterion, true, probabilities))
    return rows


async def _probability(engine: Engine, prompts: PromptSet, at: Placed) -> float | None:
    try:
        judgement = await judge(engine, prompts.verdict(at.messages, at.answer, at.criterion))
    except (EngineError, JudgeFailure):
        return None
    return judgement.probability
