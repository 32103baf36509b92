"""Guided answers against their controls on held-out cases, through the running gateway, scored exactly.

Arms: the draft; the guided answer made from it; the same draft revised without principles; and among plain answers
the one nearest in length to the guided answer. Source of the controls: DESIGN.md's and Self-Refine's known pitfalls.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from training.evaluation.statistics import Interval, agreement, bootstrap_mean, paired_difference
from training.miniclinic.cases import Case, make_case
from training.miniclinic.gateway import Gateway
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import score, verdict

LENGTH_CANDIDATES = 8
ARMS = ("draft", "guided", "no_principles", "length_matched")


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict on the draft: what the gateway said and what is true."""

    criterion: str
    predicted: bool
    true: bool


@dataclass(frozen=True, slots=True)
class Result:
    """One case: answers and exact scores by arm, verdicts on the draft, outcome, edits written and applied."""

    seed: int
    question: str
    answers: dict[str, str]
    scores: dict[str, float]
    verdicts: tuple[Judged, ...]
    unknown_criteria: int
    unscored: int
    outcome: str
    edits: int
    applied: int
    principles_cited: int
    criteria: int


async def evaluate(
    gateway: Gateway,
    knowledge: Knowledge,
    n: int,
    *,
    temperature: float,
    concurrent: int,
    first_seed: int = 0,
    controls: bool = True,
) -> list[Result]:
    """Run ``n`` held-out cases, ``concurrent`` at a time, with a progress bar; without ``controls``, two arms only."""
    places = asyncio.Semaphore(concurrent)
    results: list[Result] = []
    with tqdm(total=n, unit="case", mininterval=2) as bar:

        async def one(seed: int) -> None:
            async with places:
                case = make_case(knowledge, seed, "heldout")
                results.append(await _case(gateway, knowledge, case, temperature, controls))
            bar.update()

        async with asyncio.TaskGroup() as group:
            for seed in range(first_seed, first_seed + n):
                group.create_task(one(seed))
    return sorted(results, key=lambda result: result.seed)


def nearest_in_length(target: str, candidates: Iterable[str]) -> str:
    """Return the candidate whose number of words is nearest to the target's; the first of equals."""
    words = len(target.split())
    return min(candidates, key=lambda text: abs(len(text.split()) - words))


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Return the figures of a run; intervals as [low, high]."""
    arms = {arm: [result.scores[arm] for result in results] for arm in ARMS}
    differences = {
        f"guided_minus_{arm}": paired_difference(arms["guided"], arms[arm]) for arm in ARMS if arm != "guided"
    }
    judged = [judgement for result in results for judgement in result.verdicts]
    figures = agreement([j.predicted for j in judged], [j.true for j in judged])
    edits = sum(result.edits for result in results)
    row: dict[str, Any] = {"n": len(results)}
    for arm in ARMS:
        row |= _with_interval(arm, bootstrap_mean(arms[arm]))
    for name, difference in differences.items():
        row |= _with_interval(name, difference)
    return row | {
        "worse_share": _share(g < d - 1e-9 for g, d in zip(arms["guided"], arms["draft"], strict=True)),
        "perfect_share": {arm: _share(value == 1.0 for value in arms[arm]) for arm in ARMS},
        "verdicts": figures.n,
        "verdict_accuracy": figures.accuracy,
        "verdict_f1": figures.f1,
        "verdict_kappa": figures.kappa,
        "verdicts_unscored": sum(result.unscored for result in results),
        "criteria": sum(result.criteria for result in results),
        "criteria_unknown": sum(result.unknown_criteria for result in results),
        "criteria_citing_a_principle": sum(result.principles_cited for result in results),
        "accepted_share": _share(result.outcome == "accepted" for result in results),
        "outcomes": dict(Counter(result.outcome for result in results)),
        "edits": edits,
        "edits_applied_share": sum(result.applied for result in results) / edits if edits else math.nan,
        "words": {arm: _mean(len(result.answers[arm].split()) for result in results) for arm in ARMS},
    }


async def _case(gateway: Gateway, knowledge: Knowledge, case: Case, temperature: float, controls: bool) -> Result:
    seed = case.seed
    guided = await gateway.revise(case.messages, draft=None, principles="retrieved", temperature=temperature, seed=seed)
    answers = {"draft": guided["draft"], "guided": guided["answer"]}
    if controls:
        answers |= await _controls(gateway, case, guided, temperature)
    criteria = guided["criteria"]
    verdicts, unknown, unscored = _verdicts(knowledge, criteria, guided["draft"])
    return Result(
        seed=seed,
        question="\n".join(message["content"] for message in case.messages),
        answers=answers,
        scores={arm: score(knowledge, case, text).value for arm, text in answers.items()},
        verdicts=verdicts,
        unknown_criteria=unknown,
        unscored=unscored,
        outcome=guided["outcome"],
        edits=len(guided["edits"]),
        applied=sum(edit["accepted"] for edit in guided["edits"]),
        principles_cited=sum(criterion["principle"] is not None for criterion in criteria),
        criteria=len(criteria),
    )


async def _controls(gateway: Gateway, case: Case, guided: dict[str, Any], temperature: float) -> dict[str, str]:
    seed, draft = case.seed, guided["draft"]
    control, plain = await asyncio.gather(
        gateway.revise(case.messages, draft=draft, principles="none", temperature=temperature, seed=seed),
        gateway.answers(case.messages, n=LENGTH_CANDIDATES, temperature=temperature, seed=seed + 1_000_000),
    )
    return {"no_principles": control["answer"], "length_matched": nearest_in_length(guided["answer"], plain)}


def _verdicts(
    knowledge: Knowledge, criteria: Sequence[dict[str, Any]], draft: str
) -> tuple[tuple[Judged, ...], int, int]:
    judged, unknown, unscored = [], 0, 0
    for criterion in criteria:
        true, before = verdict(knowledge, criterion["text"], draft), criterion["before"]
        if true is None:
            unknown += 1
        elif before is None or before["met"] is None:
            unscored += 1
        else:
            judged.append(Judged(criterion["text"], before["met"], true))
    return tuple(judged), unknown, unscored


def _with_interval(name: str, interval: Interval) -> dict[str, Any]:
    return {name: interval.mean, f"{name}_ci": [interval.low, interval.high]}


def _share(flags: Iterable[bool]) -> float:
    return _mean(float(flag) for flag in flags)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else math.nan


def as_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the results as JSON rows."""
    return [asdict(result) for result in results]
