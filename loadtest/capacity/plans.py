"""What one request asks of the engine: its calls, stage by stage, for a plain, a gated and a guided answer.

Invariant: a request's calls depend on the shape, the seed and its number alone, whatever the rate and the plan.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from loadtest.standin.scheduler import Sequence
from loadtest.standin.speed import BLOCK_TOKENS

_BRANCH_BITS, _PLACE_BITS = 8, 16
_FINISHING = -1
_MOST_CRITERIA = 100


class Plan(StrEnum):
    """How an answer is made."""

    DRAFT_ONLY = "draft only"
    GATED = "gated"
    GUIDED = "guided"


@dataclass(frozen=True, slots=True)
class Shape:
    """The lengths of a request, in tokens; the turns are this project's prompts for instruction-tuned models.

    Questions and drafts are half to one and a half times as long as their mean. ``revised_share`` of the drafts fall
    short of ``unmet`` criteria each; ``gateway_seconds`` is the gateway's own time. Raises ``ValueError``.
    """

    question_tokens: int = 400
    draft_tokens: int = 600
    rubric_turn_tokens: int = 850
    rubric_tokens: int = 180
    criteria: int = 5
    verdict_turn_tokens: int = 170
    revised_share: float = 0.5
    unmet: int = 2
    edit_turn_tokens: int = 340
    edit_tokens: int = 60
    gateway_seconds: float = 0.006

    def __post_init__(self) -> None:
        if not self.unmet <= self.criteria <= _MOST_CRITERIA:
            raise ValueError(f"there are at most {_MOST_CRITERIA} criteria, and no more unmet ones than that")

    def assumptions(self, *, priorities: bool = True) -> tuple[str, ...]:
        """The same in words."""
        return (
            f"questions of {self.question_tokens} tokens and drafts of {self.draft_tokens} on average, half to one and "
            "a half times as long, with nothing in common between requests",
            f"the rubric's turn has {self.rubric_turn_tokens} tokens and its answer {self.rubric_tokens}; "
            f"{self.criteria} verdicts of one token after turns of {self.verdict_turn_tokens}",
            f"{self.revised_share:.0%} of drafts fall short of {self.unmet} criteria: for each an edit of "
            f"{self.edit_tokens} tokens (turn: {self.edit_turn_tokens} and the draft once more) and a check, which "
            "begin together; no second round",
            f"{self.gateway_seconds * 1000:g} ms of the gateway's own before the first call; the first word of a gated "
            "or guided answer comes when its last verdict or check is there",
            f"verdicts, edits and checks {'go before' if priorities else 'queue up behind'} drafts that wait, on one "
            "replica with its prefix cache",
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One request's own lengths, and whether its draft falls short."""

    number: int
    shape: Shape
    question_tokens: int
    draft_tokens: int
    falls_short: bool

    def stages(self, plan: Plan, *, priorities: bool = True) -> Iterator[list[Sequence]]:
        """The calls that are made together, stage after stage; the first call of the first stage is the draft."""
        finishing = _FINISHING if priorities else 0
        shape, trunk = self.shape, self.question_tokens + self.draft_tokens
        draft = self._call(0, self.question_tokens, 0, self.draft_tokens, 0)
        if plan is Plan.DRAFT_ONLY:
            yield [draft]
            return
        yield [draft, self._call(1, self.question_tokens, shape.rubric_turn_tokens, shape.rubric_tokens, 0)]
        verdicts = range(2, 2 + shape.criteria)
        yield [self._call(branch, trunk, shape.verdict_turn_tokens, 1, finishing) for branch in verdicts]
        if plan is Plan.GATED or not self.falls_short:
            return
        turns = shape.verdict_turn_tokens + 1 + shape.edit_turn_tokens + self.draft_tokens
        unmet = verdicts[: shape.unmet]
        yield [self._call(branch, trunk, turns, shape.edit_tokens, finishing) for branch in unmet]
        # An edit lies in the middle of the draft on average: what is judged again shares the first half of it.
        kept = self.question_tokens + self.draft_tokens // 2
        turn = self.draft_tokens - self.draft_tokens // 2 + shape.edit_tokens + shape.verdict_turn_tokens
        yield [self._call(branch + shape.criteria, kept, turn, 1, finishing) for branch in unmet]

    def _call(self, branch: int, trunk: int, turn: int, output: int, priority: int) -> Sequence:
        """A call whose prompt is the first ``trunk`` tokens of question and draft and a turn of its own."""
        prompt = trunk + turn
        shared = (prompt + output if branch == 0 else trunk) // BLOCK_TOKENS
        request = self.number << _BRANCH_BITS
        keys = [
            ((request if place < shared else request + branch) << _PLACE_BITS) + place
            for place in range((prompt + output) // BLOCK_TOKENS)
        ]
        return Sequence(keys, prompt, output, priority)


def requests(shape: Shape, number: int, seed: int) -> list[Request]:
    """So many requests, the first ones of any greater number."""
    chance = random.Random(seed)
    return [
        Request(
            place,
            shape,
            round(shape.question_tokens * chance.uniform(0.5, 1.5)),
            max(1, round(shape.draft_tokens * chance.uniform(0.5, 1.5))),
            chance.random() < shape.revised_share,
        )
        for place in range(number)
    ]
