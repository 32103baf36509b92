"""Judges of criteria: whether an answer meets each of several criteria, one call for each.

Invariant: the prompt is the service's own, so that a judge is asked in training exactly what it is asked in service.
"""

from collections.abc import Sequence
from typing import Protocol

from models.engine import Engine
from models.judge import JudgeFailure, judge
from service.revision.prompts import Message, load_prompts
from training.judges.engines import BACKOFF_SECONDS, JudgeEngines, together
from training.judges.errors import Unanswerable
from training.judges.presented import key_of
from training.judges.tally import JudgeTally
from training.trl_adapter.settings import EngineJudge


class CriterionJudge(Protocol):
    """Says which criteria an answer meets."""

    async def verdicts(self, prompt: Sequence[Message], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        """Return one verdict a criterion, in order; None where it could not be read. Raises ``JudgeUnreachable``."""
        ...


class EngineCriterionJudge:
    """A model behind engines; its verdict is P(yes) of one token against ``settings.threshold``."""

    def __init__(self, settings: EngineJudge, *, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._engines = JudgeEngines(settings, backoff_seconds=backoff_seconds)
        self._prompts = load_prompts(settings.prompts)
        self._threshold = settings.threshold
        self.tally = JudgeTally()

    async def verdicts(self, prompt: Sequence[Message], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        """Judge all criteria at once, on one engine. Raises ``JudgeUnreachable``."""
        key = key_of(prompt, answer)
        read = await together([self._verdict(key, prompt, answer, criterion) for criterion in criteria])
        self.tally.count(read)
        return read

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._engines.aclose()

    async def _verdict(self, key: str, prompt: Sequence[Message], answer: str, criterion: str) -> bool | None:
        messages = self._prompts.verdict(prompt, answer, criterion)

        async def call(engine: Engine) -> bool:
            return (await judge(engine, messages)).probability >= self._threshold

        try:
            return await self._engines.ask(key, call)
        except (JudgeFailure, Unanswerable):
            return None
