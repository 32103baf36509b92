"""The latency run: for every question the three arms back to back, in rotating order, repeat by repeat.

Invariant: one request is in flight at any time. A question in which one arm failed is reported, never counted in part.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from loadtest.arms import Arms, Guided, Textbook
from loadtest.client import CallFailure, Reply, Sampling, Spent
from loadtest.questions import Question


class Arm(StrEnum):
    """A way to answer a question."""

    PLAIN = "plain"
    GUIDED = "guided"
    TEXTBOOK = "textbook"


# The textbook needs the guided arm's criteria, so it never goes first: the other arms pay for the cold prefix.
ORDERS = (
    (Arm.PLAIN, Arm.GUIDED, Arm.TEXTBOOK),
    (Arm.GUIDED, Arm.PLAIN, Arm.TEXTBOOK),
    (Arm.GUIDED, Arm.TEXTBOOK, Arm.PLAIN),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, how often, and with which sampling (each question has its own seed, the same in all repeats)."""

    timed: Sequence[Question]
    warmup: Sequence[Question]
    repeats: int
    sampling: Sampling

    @property
    def steps(self) -> int:
        """How many questions are put in all, the warm-up and repeats included."""
        return len(self.warmup) + len(self.timed) * self.repeats

    def sampling_of(self, number: int) -> Sampling:
        """The sampling of the question of that number."""
        return Sampling(self.sampling.temperature, self.sampling.seed + number, self.sampling.max_tokens)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One question of one repeat, all arms; ``textbook`` is None where the guided arm had no criteria."""

    question: str
    repeat: int
    order: tuple[Arm, ...]
    plain: Spent
    guided: Spent
    textbook: Spent | None
    outcome: str
    same_draft: bool
    rewritten: bool
    readable: bool

    def spent(self, arm: Arm) -> Spent | None:
        """What one arm cost."""
        return {Arm.PLAIN: self.plain, Arm.GUIDED: self.guided, Arm.TEXTBOOK: self.textbook}[arm]

    def row(self) -> dict[str, Any]:
        """The measurement as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Failure:
    """One question of one repeat that could not be measured."""

    question: str
    repeat: int
    reason: str


async def warm_up(arms: Arms, plan: Plan) -> AsyncIterator[None]:
    """Put the warm-up's questions, one at a step. Raises ``CallFailure``: what fails here fails throughout."""
    for number, question in enumerate(plan.warmup, start=len(plan.timed)):
        await _measure(arms, question, plan.sampling_of(number), ORDERS[0], repeat=0)
        yield


async def measure(arms: Arms, plan: Plan) -> AsyncIterator[Measurement | Failure]:
    """Put every question in every repeat, which starts with the first question again only after the last."""
    for repeat in range(1, plan.repeats + 1):
        for number, question in enumerate(plan.timed):
            order = ORDERS[(number + repeat - 1) % len(ORDERS)]
            try:
                yield await _measure(arms, question, plan.sampling_of(number), order, repeat)
            except CallFailure as failure:
                yield Failure(question.id, repeat, str(failure))


async def _measure(
    arms: Arms, question: Question, sampling: Sampling, order: tuple[Arm, ...], repeat: int
) -> Measurement:
    plain: Reply | None = None
    guided: Guided | None = None
    textbook: Textbook | None = None
    for arm in order:
        if arm is Arm.PLAIN:
            plain = await arms.plain(question, sampling)
        elif arm is Arm.GUIDED:
            guided = await arms.guided(question, sampling)
        elif guided is not None and guided.criteria:
            textbook = await arms.textbook(question, sampling, guided.criteria)
    assert plain is not None
    assert guided is not None
    return Measurement(
        question=question.id,
        repeat=repeat,
        order=order,
        plain=plain.spent,
        guided=guided.spent,
        textbook=textbook.spent if textbook else None,
        outcome=guided.outcome,
        same_draft=guided.draft == plain.answer,
        rewritten=textbook.rewritten if textbook else False,
        readable=textbook.readable if textbook else False,
    )
