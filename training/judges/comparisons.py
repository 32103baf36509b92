"""Judges of comparisons: which of two answers is better on each of the four dimensions, in one order shown.

Invariant: a judge sees one order; joining both is for `training.methods.comparisons`. Prompts are ours: PulseMind's
per-dimension judge prompt is not published (arXiv 2601.07344), what the dimensions mean is.
"""

from collections.abc import Sequence
from typing import Protocol, get_args

from models.engine import ChatRequest, Engine
from service.revision.prompts import Message
from training.judges import dimensions
from training.judges.engines import BACKOFF_SECONDS, JudgeEngines
from training.judges.errors import Unanswerable
from training.judges.presented import key_of, load_prompt, rendered
from training.judges.tally import JudgeTally
from training.methods.comparisons import UNREADABLE, Better
from training.trl_adapter.settings import EngineJudge

BETTER: tuple[Better, ...] = get_args(Better)


class ComparisonJudge(Protocol):
    """Says which of two answers is better."""

    async def compare(self, prompt: Sequence[Message], first: str, second: str) -> tuple[Better | None, ...]:
        """Return one verdict a dimension, in the order of ``DIMENSIONS``; None where it could not be read.

        Raises ``JudgeUnreachable``.
        """
        ...


class EngineComparisonJudge:
    """A model behind engines: one call a comparison, reasons before verdicts, one JSON object under a schema."""

    def __init__(self, settings: EngineJudge, *, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._engines = JudgeEngines(settings, backoff_seconds=backoff_seconds)
        self._template = load_prompt(settings.prompts, "compare")
        self.tally = JudgeTally()

    async def compare(self, prompt: Sequence[Message], first: str, second: str) -> tuple[Better | None, ...]:
        """Compare once, ``first`` shown first. Raises ``JudgeUnreachable``, and ``ValueError`` for what is no text."""
        request = ChatRequest(
            messages=tuple(rendered(self._template, prompt, first=first, second=second)),
            max_tokens=dimensions.ANSWER_TOKENS,
            temperature=0.0,
            json_schema=dimensions.schema("better", BETTER),
        )

        async def call(engine: Engine) -> tuple[Better | None, ...]:
            return dimensions.read((await engine.chat(request)).text, "better", BETTER)

        try:
            better_D = await self._engines.ask(key_of(prompt), call)
        except Unanswerable:
            better_D = UNREADABLE
        self.tally.count(better_D)
        return better_D

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._engines.aclose()
