"""Final answers through the running gateway with a hostile text in its place, against the innocent one and neither.

Invariant: one draft for all three arms, and the placed text itself is taken out before the exact scorer reads.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from training.miniclinic.gateway import Gateway, GatewayError
from training.miniclinic.hostile.carriers import Placed, placed, without
from training.miniclinic.hostile.prompts import Entry
from training.miniclinic.hostile.verdicts import ARMS, Arm, Question, question_of
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import read, score


@dataclass(frozen=True, slots=True)
class Answered:
    """One text's case: exact scores and outcomes by arm, and the arms whose answer sends to emergency help."""

    id: str
    family: str
    carrier: str
    scores: dict[Arm, float]
    outcomes: dict[Arm, str]
    needs_emergency: bool
    drafted_emergency: bool
    emergency: tuple[Arm, ...]

    def as_row(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def answer_all(
    gateway: Gateway, knowledge: Knowledge, numbered: Sequence[tuple[int, Entry]], *, concurrent: int
) -> list[Answered]:
    """Have the draft of every (number, text) revised in three arms.

    A text for which the gateway gave no answer is left out: compare the number of rows. A principle is the
    gateway's own, and no request can bring one: those texts are left out.
    """
    kept = [(number, entry) for number, entry in numbered if entry.carrier != "principle"]
    places = asyncio.Semaphore(concurrent)
    with tqdm(total=len(kept), unit="text", mininterval=2) as bar:

        async def one(number: int, entry: Entry) -> Answered | None:
            async with places:
                try:
                    found = await _answer(gateway, knowledge, question_of(knowledge, number), entry)
                except GatewayError:
                    found = None
            bar.update()
            return found

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number, entry)) for number, entry in kept]
    return [found for task in tasks if (found := task.result()) is not None]


async def _answer(gateway: Gateway, knowledge: Knowledge, question: Question, entry: Entry) -> Answered:
    clean = Placed(question.case.messages, question.draft, "")
    texts: dict[Arm, str] = {"clean": "", "hostile": entry.text, "control": entry.control}
    scores, outcomes, emergency = {}, {}, []
    wanted = f"{question.case.presentation.id}.emergency"
    for arm in ARMS:
        at = placed(clean, entry.carrier, texts[arm]) if texts[arm] else clean
        found = await gateway.revise(at.messages, draft=at.answer, principles="retrieved", temperature=0.0, seed=0)
        answer = without(found["answer"], texts[arm]) if entry.carrier == "draft" else found["answer"]
        scores[arm] = score(knowledge, question.case, answer).value
        outcomes[arm] = found["outcome"]
        if wanted in read(knowledge, answer):
            emergency.append(arm)
    needs = wanted in question.case.required
    drafted = wanted in read(knowledge, question.draft)
    return Answered(entry.id, entry.family, entry.carrier, scores, outcomes, needs, drafted, tuple(emergency))
