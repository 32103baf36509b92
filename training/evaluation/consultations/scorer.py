"""Scores a consultation by its wins over the counterparts' consultations of the same case.

Source: CRPO's mean of strict wins over counterparts and dimensions (arXiv 2601.07344), ties 0; ours: only verdicts that
both orders give, and an unreadable one is left out of the mean, never a loss.
"""

import math
from collections.abc import Iterable, Sequence

from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from training.evaluation.consultations.consultation import Consultation, Language, read_transcript
from training.evaluation.consultations.counterparts import Counterparts
from training.evaluation.consultations.dialogue import CONSULTATION, TRANSCRIPT
from training.evaluation.consultations.judge import FIELDS, OVERALL, PairJudge, Verdict
from training.evaluation.rows import ANSWER, SCORE, SCORER, score_metadata

GRADER = "grader"
CONSISTENT = "consistent"


@scorer(metrics={"*": [mean(), stderr()]}, name=SCORER)
def consultation_scorer(counterparts: Counterparts, language: Language) -> Scorer:
    """Compare with every counterpart, both orders, all at once, by the model of the role ``grader``."""

    async def score(state: TaskState, target: Target) -> Score:
        consultation = Consultation.model_validate(state.metadata[CONSULTATION])
        ours = read_transcript(state.metadata[ANSWER]["extra"][TRANSCRIPT])
        judge = PairJudge(get_model(role=GRADER), language)
        compared = await collect(
            *(
                judge.compare(consultation, ours, theirs, name)
                for name, theirs in counterparts.of(consultation.id).items()
            )
        )
        verdicts = [verdict for one in compared for verdict in one]
        unscored = sum(verdict.joined is None for verdict in verdicts)
        return Score(
            value=dict(values(verdicts)),
            metadata=score_metadata(
                [verdict.as_json() for verdict in verdicts], asked=len(verdicts), unscored=unscored
            ),
        )

    return score


def values(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Return a sample's values, NaN where nothing could be read.

    ``score``: share of strict wins over counterparts and the four dimensions. ``win:``, ``tie:`` and ``loss:`` each of
    ``FIELDS``: shares over counterparts. ``consistent``: share of dimensions of which both orders say the same.
    """
    dimensions = [verdict for verdict in verdicts if verdict.criterion != OVERALL]
    found = {
        SCORE: _share(verdict.joined == "win" for verdict in dimensions if verdict.joined is not None),
        CONSISTENT: _share(verdict.agree for verdict in dimensions if verdict.agree is not None),
    }
    for name in FIELDS:
        outcomes = [v.joined for v in verdicts if v.criterion == name and v.joined is not None]
        found |= {f"{outcome}:{name}": _share(o == outcome for o in outcomes) for outcome in ("win", "tie", "loss")}
    return found


def _share(held: Iterable[bool]) -> float:
    every = list(held)
    return sum(every) / len(every) if every else math.nan
