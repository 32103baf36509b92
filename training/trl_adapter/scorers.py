"""Scores one group of rollouts: by its rubric, by comparison with counterparts or within the group, or absolutely.

Invariant: what a judge could not read stays unscored; a judge that cannot be reached ends the run, and is no score.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from training.judges.comparisons import ComparisonJudge
from training.judges.criteria import CriterionJudge
from training.judges.engines import together
from training.judges.scores import ScoreJudge
from training.methods.absolute import absolute_reward
from training.methods.comparisons import DIMENSIONS, Comparison
from training.methods.counterparts import best_rollout, to_refresh
from training.methods.crpo import CrpoReward, crpo_rewards
from training.methods.pairings import Pairing, against_counterparts, presentations, within_group
from training.methods.reward import Reward
from training.methods.rubric_reward import rubric_reward
from training.methods.win_rates import per_counterpart, per_dimension
from training.trl_adapter.counterpart_store import CounterpartStore
from training.trl_adapter.questions import Graded, Question


@dataclass(frozen=True, slots=True)
class Scored:
    """The reward of one rollout, its score on each axis or dimension, and what it was made of (for rollouts.jsonl)."""

    reward: Reward
    scores: Mapping[str, float | None]
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """One group, in the order of its rollouts; ``win_rates`` are by counterpart, where there are any."""

    scored_G: tuple[Scored, ...]
    win_rates: Mapping[str, float | None] = field(default_factory=dict)


class GroupScorer(Protocol):
    """Scores the answers to one question together."""

    async def score(self, question: Question, answers_G: Sequence[str]) -> ScoredGroup:
        """Return one score for each answer. Raises ``JudgeUnreachable``."""
        ...


@dataclass(frozen=True, slots=True)
class RubricScorer:
    """Each criterion of the question's rubric is judged by itself (HealthBench's formula; `rubric_reward`)."""

    judge: CriterionJudge

    async def score(self, question: Question, answers_G: Sequence[str]) -> ScoredGroup:
        texts = [criterion.text for criterion in question.criteria_K]
        verdicts_GK = await together([self.judge.verdicts(question.prompt, answer, texts) for answer in answers_G])
        return ScoredGroup(tuple(_by_rubric(question.criteria_K, verdicts_K) for verdicts_K in verdicts_GK))


@dataclass(frozen=True, slots=True)
class ComparisonScorer:
    """CRPO's reward: every pair in both orders, with the counterparts in ``store``, or within the group without."""

    judge: ComparisonJudge
    store: CounterpartStore | None = None
    half_ties: bool = False
    refresh: bool = False

    async def score(self, question: Question, answers_G: Sequence[str]) -> ScoredGroup:
        texts = {f"rollout {number}": answer for number, answer in enumerate(answers_G, start=1)}
        labels, counterparts = tuple(texts), None
        if self.store is None:
            pairing = within_group(labels)
        else:
            counterparts = self.store.of(question.id)
            pairing = against_counterparts(labels, counterparts.labels)
            texts |= {counterpart.label: counterpart.answer for counterpart in counterparts.answers_C}
        rewards_G = crpo_rewards(pairing, await self._judged(question, pairing, texts), half_ties=self.half_ties)
        if self.store is None or counterparts is None:
            return ScoredGroup(tuple(_by_comparison(reward) for reward in rewards_G))
        rates = dict(zip(counterparts.labels, per_counterpart([r.cells_CD for r in rewards_G]), strict=True))
        best = best_rollout(rewards_G)
        if self.refresh and best is not None and (beaten := to_refresh(counterparts, rewards_G)):
            self.store.put(counterparts.refreshed(beaten, texts[best]))
        return ScoredGroup(tuple(_by_comparison(reward) for reward in rewards_G), rates)

    async def _judged(self, question: Question, pairing: Pairing, texts: Mapping[str, str]) -> Iterable[Comparison]:
        """Judge every presentation; the same two texts in the same order are judged once."""
        shown = presentations(pairing)
        asked = list(dict.fromkeys((texts[first], texts[second]) for first, second in shown))
        answered = await together([self.judge.compare(question.prompt, *pair) for pair in asked])
        verdicts = dict(zip(asked, answered, strict=True))
        return [Comparison(first, second, verdicts[texts[first], texts[second]]) for first, second in shown]


@dataclass(frozen=True, slots=True)
class AbsoluteScorer:
    """The baseline arm of CRPO: each answer by itself, one score of 1 to 5 on each dimension."""

    judge: ScoreJudge

    async def score(self, question: Question, answers_G: Sequence[str]) -> ScoredGroup:
        scores_GD = await together([self.judge.scores(question.prompt, answer) for answer in answers_G])
        return ScoredGroup(
            tuple(
                Scored(absolute_reward(scores_D), dict(zip(DIMENSIONS, scores_D, strict=True)))
                for scores_D in scores_GD
            )
        )


def _by_rubric(criteria_K: Sequence[Graded], verdicts_K: Sequence[bool | None]) -> Scored:
    """Score one answer; the axes' scores are points met over positive points of that axis, as for the whole."""
    by_axis: dict[str, list[tuple[Graded, bool | None]]] = defaultdict(list)
    for criterion, met in zip(criteria_K, verdicts_K, strict=True):
        if criterion.axis is not None:
            by_axis[criterion.axis].append((criterion, met))
    scores = {
        axis: rubric_reward([criterion for criterion, _ in rows], [met for _, met in rows]).value
        for axis, rows in by_axis.items()
        if any(criterion.points > 0 for criterion, _ in rows)
    }
    return Scored(rubric_reward(criteria_K, verdicts_K), scores, {"verdicts": list(verdicts_K)})


def _by_comparison(reward: CrpoReward) -> Scored:
    rates_D = per_dimension([reward.cells_CD])
    cells = dict(zip(reward.others_C, (list(row) for row in reward.cells_CD), strict=True))
    return Scored(reward.reward, dict(zip(DIMENSIONS, rates_D, strict=True)), {"cells": cells})


def mean_scores(groups: Iterable[ScoredGroup]) -> dict[str, float]:
    """Average each axis or dimension over all rollouts that have it."""
    return _means(scored.scores for group in groups for scored in group.scored_G)


def mean_win_rates(groups: Iterable[ScoredGroup]) -> dict[str, float]:
    """Average each counterpart's win rate over the groups that met it."""
    return _means(group.win_rates for group in groups)


def _means(rows: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values[name].append(value)
    return {name: math.fsum(found) / len(found) for name, found in values.items()}
