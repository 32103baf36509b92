"""Judges cohorts of one run: scores, guards, counts, and a row in rollouts.jsonl for each rollout; one Ray actor.

Invariant: a judge that cannot be reached leaves its cohort unscored, counted and told apart from a low score; when it
stays away for ``failed_groups`` groups in a row, its error reaches the callers.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.judges.errors import JudgeUnreachable
from training.methods.group import Tally, tally
from training.methods.guards import guarded
from training.methods.reward import Reward
from training.runs.files import append, json_line, keep_lines
from training.trl_adapter.scorers import GroupScorer, Scored
from training.verl_adapter.cohorts import Cohorts
from training.verl_adapter.rollout import Judged, Rollout
from training.verl_adapter.settings import Judging

BuildScorer = Callable[[Judging], GroupScorer]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was judged so far. A torn cohort lacked rollouts of its group; a failed one had no judge."""

    tally: Tally = field(default_factory=Tally)
    torn_cohorts: int = 0
    failed_cohorts: int = 0


class GroupJudge:
    """Takes rollouts one by one from any number of callers; see `Cohorts` for when each is answered."""

    def __init__(self, judging: Judging, max_answer_tokens: int, build: BuildScorer) -> None:
        self._judging, self._guards = judging, judging.guards(max_answer_tokens)
        self._scorer = build(judging)
        self._cohorts = Cohorts(self._together, judging.wait_seconds)
        self._counts = Counts()
        self._failed_in_a_row = 0
        judging.rollouts.parent.mkdir(parents=True, exist_ok=True)
        keep_lines(judging.rollouts, lambda _: True)

    async def judged(self, rollout: Rollout) -> Judged:
        """Return the judgement of one rollout. Raises ``JudgeUnreachable``, and ``RunError`` where a disk is full."""
        return await self._cohorts.judged(rollout)

    async def counts(self) -> Counts:
        """Return the counts so far."""
        return self._counts

    async def _together(self, cohort: Sequence[Rollout]) -> Sequence[Judged]:
        started = time.monotonic()
        scored_G = await self._scored(cohort)
        failed = scored_G is None
        if scored_G is None:
            scored_G = (Scored(Reward(None, 0, 0), {}),) * len(cohort)
        rewards_G = [
            guarded(one.reward, row.token_ids, self._guards) for one, row in zip(scored_G, cohort, strict=True)
        ]
        self._counts = Counts(
            self._counts.tally + tally(rewards_G),
            self._counts.torn_cohorts + (len(cohort) < cohort[0].group),
            self._counts.failed_cohorts + failed,
        )
        judged_G = [_judged(one, reward, len(cohort), failed) for one, reward in zip(scored_G, rewards_G, strict=True)]
        seconds = round(time.monotonic() - started, 3)
        self._record(
            _row(rollout, one, judged, seconds) for rollout, one, judged in zip(cohort, scored_G, judged_G, strict=True)
        )
        return judged_G

    async def _scored(self, cohort: Sequence[Rollout]) -> Sequence[Scored] | None:
        """None where no judge could be reached. A lone rollout has nothing to be compared with within its group."""
        if self._judging.method == "crpo" and self._judging.pairs == "group" and len(cohort) == 1:
            return (Scored(Reward(None, 0, 0), {}),)
        try:
            scored = await self._scorer.score(cohort[0].question, [rollout.answer for rollout in cohort])
        except JudgeUnreachable:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self._judging.failed_groups:
                raise
            return None
        self._failed_in_a_row = 0
        return scored.scored_G

    def _record(self, rows: Any) -> None:
        path: Path = self._judging.rollouts
        append(path, b"".join(json_line(row, path) for row in rows))


def _judged(scored: Scored, reward: Reward, together: int, failed: bool) -> Judged:
    score = scored.reward.value
    penalty = 0.0 if score is None or reward.value is None else reward.value - score
    return Judged(reward.value, score, penalty, reward.unscored, reward.parts, together, failed, dict(scored.scores))


def _row(rollout: Rollout, scored: Scored, judged: Judged, seconds: float) -> Mapping[str, Any]:
    return {
        "step": rollout.step,
        "split": rollout.split,
        "uid": rollout.uid,
        "session": rollout.session,
        "question": rollout.question.id,
        "answer": rollout.answer,
        "answer_tokens": len(rollout.token_ids),
        "score": judged.score,
        "reward": judged.reward,
        "penalty": judged.penalty,
        "scores": dict(judged.scores),
        "unscored_parts": judged.unscored,
        "judged_together": judged.together,
        "judge_failed": judged.failed,
        "judge_seconds": seconds,
        **scored.detail,
    }


def not_a_number_if_unscored(reward: float | None) -> float:
    """Return what verl's reward tensors carry: they hold floats only, and NaN is what its estimators are given."""
    return math.nan if reward is None else reward
