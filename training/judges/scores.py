"""Judges of absolute scores, from 1 to 5 on each of the four dimensions: the arm that comparisons are compared with.

Source of the arm: PulseMind (arXiv 2601.07344), Table 4; its prompt is not published, and ours says the same of the
dimensions as the one for comparisons.
"""

from collections.abc import Sequence
from typing import Protocol

from models.engine import ChatRequest, Engine
from service.revision.prompts import Message
from training.judges import dimensions
from training.judges.engines import BACKOFF_SECONDS, JudgeEngines
from training.judges.errors import Unanswerable
from training.judges.presented import key_of, load_prompt, rendered
from training.judges.tally import JudgeTally
from training.methods.absolute import HIGHEST, LOWEST
from training.methods.comparisons import UNREADABLE
from training.trl_adapter.settings import EngineJudge

SCORES = tuple(range(LOWEST, HIGHEST + 1))


class ScoreJudge(Protocol):
    """Scores one answer by itself."""

    async def scores(self, prompt: Sequence[Message], answer: str) -> tuple[int | None, ...]:
        """Return one whole score a dimension, in the order of ``DIMENSIONS``; None where it could not be read.

        Raises ``JudgeUnreachable``.
        """
        ...


class EngineScoreJudge:
    """A model behind engines: one call an answer, reasons before scores, one JSON object under a schema."""

    def __init__(self, settings: EngineJudge, *, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._engines = JudgeEngines(settings, backoff_seconds=backoff_seconds)
        self._template = load_prompt(settings.prompts, "score")
        self.tally = JudgeTally()

    async def scores(self, prompt: Sequence[Message], answer: str) -> tuple[int | None, ...]:
        """Score one answer. Raises ``JudgeUnreachable``, and ``ValueError`` for what is no text."""
        request = ChatRequest(
            messages=tuple(rendered(self._template, prompt, reply=answer)),
            max_tokens=dimensions.ANSWER_TOKENS,
            temperature=0.0,
            json_schema=dimensions.schema("score", SCORES),
        )

        async def call(engine: Engine) -> tuple[int | None, ...]:
            return dimensions.read((await engine.chat(request)).text, "score", SCORES)

        try:
            scores_D = await self._engines.ask(key_of(prompt), call)
        except Unanswerable:
            scores_D = UNREADABLE
        self.tally.count(scores_D)
        return scores_D

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._engines.aclose()
