"""The reward function that TRL calls once for each batch: scores whole groups and gives back their advantages.

Invariant: with ``scale_rewards="none"`` TRL subtracts a group's mean, which is 0 here, so that what enters the loss is
exactly what `training.methods` gives. An unscored rollout has the advantage 0 and no part in the baseline.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.judges.engines import together
from training.methods.advantages import Advantages
from training.methods.group import Tally, tally
from training.methods.guards import Guards, guarded
from training.methods.reward import Reward
from training.runs.folder import RunFolder
from training.trl_adapter.callbacks import OWN
from training.trl_adapter.questions import Question
from training.trl_adapter.scorers import GroupScorer, ScoredGroup, mean_scores, mean_win_rates

AdvantageFunction = Callable[[Sequence[float | None]], Advantages]


@dataclass(frozen=True, slots=True)
class _Group:
    """One group as it was judged: its question, texts and tokens, scores, guarded rewards, advantages."""

    question: Question
    answers_G: tuple[str, ...]
    tokens_G: tuple[int, ...]
    scored: ScoredGroup
    rewards_G: tuple[Reward, ...]
    advantages_G: tuple[float, ...]

    def rows(self) -> list[dict[str, Any]]:
        """The group as rows of rollouts.jsonl."""
        parts = zip(self.answers_G, self.tokens_G, self.scored.scored_G, self.rewards_G, self.advantages_G, strict=True)
        return [
            {
                "question": self.question.id,
                "answer": answer,
                "answer_tokens": tokens,
                "score": scored.reward.value,
                "reward": reward.value,
                "advantage": advantage,
                "scores": dict(scored.scores),
                **scored.detail,
            }
            for answer, tokens, scored, reward, advantage in parts
        ]


class AdvantageReward:
    """Callable as TRL's reward functions are; rows of a batch come in whole groups of ``group`` rollouts.

    Judges are asked on ``runner``, which the caller closes: TRL's own loop for asynchronous rewards is never closed.
    """

    __name__ = "advantage"

    def __init__(
        self,
        questions: Mapping[str, Question],
        scorer: GroupScorer,
        advantages: AdvantageFunction,
        guards: Guards,
        group: int,
        folder: RunFolder,
        runner: asyncio.Runner,
    ) -> None:
        self._runner = runner
        self._questions, self._scorer, self._advantages = questions, scorer, advantages
        self._guards, self._group, self._folder = guards, group, folder

    def __call__(
        self,
        *,
        completions: Sequence[Sequence[Mapping[str, str]]],
        completion_ids: Sequence[Sequence[int]],
        question_id: Sequence[str],
        trainer_state: Any,
        log_metric: Callable[[str, float], None],
        **_: Any,
    ) -> list[float]:
        """Return one advantage a rollout. Raises ``ValueError`` where a group is torn, and the scorer's errors."""
        answers = [completion[0]["content"] for completion in completions]
        parts = [slice(start, start + self._group) for start in range(0, len(answers), self._group)]
        for part in parts:
            _require_whole(question_id[part], self._group)
        groups = self._runner.run(together([self._judge(question_id[p], answers[p], completion_ids[p]) for p in parts]))
        self._folder.append_rollouts(trainer_state.global_step + 1, [row for group in groups for row in group.rows()])
        for name, value in figures(groups).items():
            log_metric(f"{OWN}{name}", value)
        return [advantage for group in groups for advantage in group.advantages_G]

    async def _judge(self, ids: Sequence[str], answers_G: Sequence[str], ids_G: Sequence[Sequence[int]]) -> _Group:
        question = self._questions[ids[0]]
        scored = await self._scorer.score(question, answers_G)
        rewards_G = tuple(
            guarded(one.reward, tokens, self._guards) for one, tokens in zip(scored.scored_G, ids_G, strict=True)
        )
        advantages_G = tuple(a or 0.0 for a in self._advantages([reward.value for reward in rewards_G]))
        return _Group(question, tuple(answers_G), tuple(map(len, ids_G)), scored, rewards_G, advantages_G)


def _require_whole(ids: Sequence[str], group: int) -> None:
    if len(set(ids)) != 1 or len(ids) != group:
        raise ValueError(f"a group of {group} rollouts came as {len(ids)} of {len(set(ids))} questions")


def figures(groups: Sequence[_Group]) -> dict[str, float]:
    """Return the batch's figures under the names of `training.runs`; a figure without a value is left out."""
    counts = sum((tally(group.rewards_G) for group in groups), Tally())
    rewards = [reward.value for group in groups for reward in group.rewards_G if reward.value is not None]
    spreads = [_deviation([reward.value for reward in group.rewards_G if reward.value is not None]) for group in groups]
    row: dict[str, float] = {
        "zero_variance_share": (counts.flat_groups + counts.lone_groups) / counts.groups,
        "skipped_groups": float(counts.skipped_groups),
        "unscored_share": counts.unscored_parts / counts.parts,
        "answer_tokens": _mean([float(tokens) for group in groups for tokens in group.tokens_G]),
        "reward_std": _mean(spreads),
    }
    if rewards:
        row["reward"] = _mean(rewards)
    row |= {f"score/{name}": value for name, value in mean_scores(g.scored for g in groups).items()}
    row |= {f"win_rate/{name}": value for name, value in mean_win_rates(g.scored for g in groups).items()}
    return row


def guards_of(max_answer_tokens: int, buffer_tokens: int, length_weight: float, repetition_weight: float) -> Guards:
    """Return the guards of a recipe."""
    guards = Guards(max_answer_tokens, buffer_tokens)
    return replace(guards, length_weight=length_weight, repetition_weight=repetition_weight)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    """Unbiased deviation; 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
