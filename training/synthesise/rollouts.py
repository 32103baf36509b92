"""Owns what a filter does for one row: several answers of the model, and a judge's verdict on each criterion of each.

Invariant: a row is whole, with enough verdicts for a mean, or a ``StepFailure``; no verdict is invented.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from models.engine import ChatRequest
from training.data.healthbench import HealthBenchRow
from training.judges.build import JudgeBuilder
from training.judges.criteria import CriterionJudge
from training.judges.errors import JudgeUnreachable
from training.synthesise.asking import Asker, Reason, StepFailure, Unreadable
from training.synthesise.quality import figures
from training.synthesise.settings import FilterSettings
from training.trl_adapter.settings import EngineJudge, Judge


@dataclass(frozen=True, slots=True)
class Rollouts:
    """What an actor needs to make its worker; plain data."""

    settings: FilterSettings

    def identity(self) -> dict[str, Any]:
        """What the verdicts depend on besides the row; not the bounds, which are applied to them afterwards."""
        made = self.settings
        exclude = {"urls", "concurrent", "timeout_seconds", "retries"}
        return {
            "kind": "filter",
            "model": made.engines.model,
            "judge": made.judge.model_dump(mode="json", exclude=exclude),
            **made.model_dump(include={"rollouts", "temperature", "max_tokens", "seed"}),
        }

    def build(self, concurrent: int) -> "RolloutWorker":
        """Make the worker, in the actor."""
        judge = JudgeBuilder(
            _share(self.settings.judge, self.settings.cluster.actors), self.settings.seed or 0
        ).criteria()
        return RolloutWorker(self.settings, Asker(self.settings.engines, concurrent), judge)


class RolloutWorker:
    """Judges one rubric a call."""

    def __init__(self, settings: FilterSettings, asker: Asker, judge: CriterionJudge) -> None:
        self._settings, self._asker, self._judge = settings, asker, judge

    async def row(self, value: Any) -> dict[str, Any]:
        """Return the verdicts, of shape (rollouts, criteria). Raises ``StepFailure``."""
        row = HealthBenchRow.model_validate(value)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._rollout(row, number)) for number in range(self._settings.rollouts)]
        results = [task.result() for task in tasks]
        if failure := next((result for result in results if isinstance(result, StepFailure)), None):
            raise failure
        verdicts_GK = [result for result in results if not isinstance(result, StepFailure)]
        if figures(row.rubrics, verdicts_GK).mean is None:
            raise StepFailure("judge", Reason.UNSCORED, "fewer than half of the rollouts could be scored", 1)
        return {"id": row.prompt_id, "verdicts": verdicts_GK}

    async def _rollout(self, row: HealthBenchRow, number: int) -> list[bool | None] | StepFailure:
        messages = tuple(message.model_dump() for message in row.prompt)

        def request(seed: int | None) -> ChatRequest:
            return ChatRequest(
                messages=messages,
                max_tokens=self._settings.max_tokens,
                temperature=self._settings.temperature,
                seed=seed,
            )

        step = f"rollout {number}"
        try:
            answer = (await self._asker.ask(step, row.prompt_id, self._settings.seed, request, _some)).value
            return await self._judge.verdicts(messages, answer, [criterion.criterion for criterion in row.rubrics])
        except StepFailure as failure:
            return failure
        except JudgeUnreachable as error:
            return StepFailure("judge", Reason.ENGINE_UNAVAILABLE, str(error), 1)


def _some(text: str) -> str:
    if not text.strip():
        raise Unreadable("the answer is empty")
    return text


def _share(judge: Judge, actors: int) -> Judge:
    """One actor's part of the requests that a judge may have open."""
    if isinstance(judge, EngineJudge):
        return judge.model_copy(update={"concurrent": max(1, judge.concurrent // actors)})
    return judge
