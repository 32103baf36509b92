"""The scorer of every MLB sample: by letters, by items, or by judges, as its dataset's format asks.

Invariant: what the model wrote unreadably is wrong; what a judge wrote unreadably, or two judges differ on, is
unscored.
"""

import json
from collections.abc import Mapping
from typing import Any

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from training.evaluation.mlb.gold import gold_items
from training.evaluation.mlb.judging import (
    Judges,
    Question,
    judged,
    load_prompts,
    point_question,
    risk_quality_questions,
    safety_question,
)
from training.evaluation.mlb.options import options_of
from training.evaluation.mlb.points import points_of, says_unknown
from training.evaluation.mlb.reading import items, letters, without_thinking
from training.evaluation.mlb.specs import SPECS, TOPICS, Format, Metric, Spec
from training.evaluation.mlb.verdicts import Verdict, chosen, extracted, settled_by_rule, unscored_in, values_of
from training.evaluation.rows import SCORE, SCORER, score_metadata


# The samples of one task have different values, and inspect's "*" takes those of the first for all.
@scorer(metrics={SCORE: [mean(), stderr()]}, name=SCORER)
def mlb_scorer() -> Scorer:
    """Score samples by their metadata's ``dataset``. Raises ``PromptError`` for judges' prompts that are not right."""
    prompts = load_prompts()

    async def score(state: TaskState, target: Target) -> Score:
        spec, answer = SPECS[state.metadata["dataset"]], state.output.completion
        if spec.format is Format.CHOICE:
            options = options_of(state.metadata["question"])
            said = letters(answer, options.texts if options else {})
            return _score([chosen(said, frozenset(target.text.split(",")), answer)], state.metadata)
        if spec.metric is Metric.MICRO_F1:
            found = items(answer, spec.format)
            return _score([extracted(found, gold_items(spec, target.text), answer)], state.metadata)
        return await _judged(spec, state.metadata, target.text, without_thinking(answer), prompts)

    return score


async def _judged(spec: Spec, metadata: Mapping[str, Any], gold: str, answer: str, prompts: Mapping[str, str]) -> Score:
    by_rule, questions = _questions(spec, metadata, gold, answer)
    judges, case_id = Judges.bound(), metadata.get("case_id")
    told = await collect(*(judged(question, prompts, judges, case_id) for question in questions))
    asked = [verdict for verdicts in told for verdict in verdicts]
    return _score(by_rule + asked, metadata, asked=len(asked))


def _questions(spec: Spec, metadata: Mapping[str, Any], gold: str, answer: str) -> tuple[list[Verdict], list[Question]]:
    """Return what a rule settles, and what judges are to be asked."""
    question = metadata["question"]
    if spec.format is Format.SAFETY:
        return [], [safety_question(question, answer)]
    if spec.format is Format.RISK_QUALITY:
        return [], list(risk_quality_questions(metadata["scenario"], question, answer))
    points = points_of(json.loads(gold))
    ruled = [point for point in points if point.is_unknown and says_unknown(answer, point.field)]
    asked = [point_question(TOPICS[spec.key], point, answer) for point in points if point not in ruled]
    return [settled_by_rule(point.asked) for point in ruled], asked


def _score(verdicts: list[Verdict], metadata: Mapping[str, Any], *, asked: int = 0) -> Score:
    told = score_metadata(verdicts, asked=asked, unscored=unscored_in(verdicts), cluster=metadata.get("case_id"))
    return Score(value=values_of(metadata, verdicts), metadata=told)
