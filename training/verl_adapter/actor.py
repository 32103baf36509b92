"""The group judge as one named Ray actor, which all reward workers of a run find or start.

Invariant: a rollout that was asked about is answered though the actor's process, or the worker that started it, ends.
"""

from typing import Any, cast

import ray
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError

from training.verl_adapter.group_judge import BuildScorer, GroupJudge
from training.verl_adapter.rollout import Judged, Rollout
from training.verl_adapter.settings import Judging

NAME = "preceptor_group_judge"
# Every waiting rollout holds one call; if calls ran out, a group's last rollout would wait for those before it.
CONCURRENT_CALLS = 100_000
STARTS = 3


class JudgeActor:
    """A reward worker's way to the run's group judge. Ray's names hold within one job."""

    def __init__(self, judging: Judging, max_answer_tokens: int, build: BuildScorer, name: str = NAME) -> None:
        self._arguments, self._name = (judging, max_answer_tokens, build), name
        self._handle: ActorHandle[Any] | None = None

    async def judged(self, rollout: Rollout) -> Judged:
        """Return the judgement of one rollout.

        Ray restarts a process that ends and asks again. When the worker that started the actor ends, Ray ends the actor
        too, and whoever still waits starts it anew. Raises ``ActorDiedError`` where it cannot be started, and what
        `GroupJudge` raises.
        """
        for _ in range(STARTS - 1):
            try:
                return await self._ask(rollout)
            except ActorDiedError:
                self._handle = None
        return await self._ask(rollout)

    async def _ask(self, rollout: Rollout) -> Judged:
        if self._handle is None:
            self._handle = self._find_or_start()
        judged: Judged = await self._handle.judged.remote(rollout)
        return judged

    def _find_or_start(self) -> "ActorHandle[Any]":
        options = {
            "name": self._name,
            "get_if_exists": True,
            "max_concurrency": CONCURRENT_CALLS,
            "max_restarts": -1,
            "max_task_retries": -1,
            "num_cpus": 0,
        }
        return cast("ActorHandle[Any]", ray.remote(GroupJudge).options(**options).remote(*self._arguments))
