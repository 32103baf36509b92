"""A simulated reviewer of revisions: the exact scorer, read through noise, and what a careful person would write.

Invariant: a review follows from the reviewer, the case and the revision's words alone, so that a run repeats itself.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from training.miniclinic.answers import criterion_of, full_answer, text_of
from training.miniclinic.cases import Case
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import score, verdict

Preferred = Literal["draft", "revision", "neither", "own_edit"]
Subject = Literal["draft", "revision"]
WRITES_OWN_SHARE = 0.25
"""How often a reviewer who likes neither writes what should have been said; ours."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One simulated reviewer.

    ``noise`` is the deviation with which the reviewer reads a score; ``slips`` the share of verdicts that come out the
    wrong way round; ``pass_from`` the score from which an answer is good enough to be preferred at all.
    """

    name: str
    noise: float = 0.05
    slips: float = 0.05
    pass_from: float = 0.5


@dataclass(frozen=True, slots=True)
class AddedCriterion:
    """A criterion that the rubric lacked."""

    text: str
    points: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a criterion, by its number, is met in one of the answers."""

    criterion: int
    subject: Subject
    met: bool


@dataclass(frozen=True, slots=True)
class Review:
    """What the reviewer says, confirmed verdicts included.

    ``removed`` are numbers of criteria that the case does not call for; ``own_edit`` is an answer of the reviewer's.
    """

    preferred: Preferred
    own_edit: str | None
    verdicts: tuple[Verdict, ...]
    added: tuple[AddedCriterion, ...]
    removed: tuple[int, ...]


def review(knowledge: Knowledge, case: Case, revision: Mapping[str, Any], reviewer: Reviewer) -> Review:
    """Review one revision, as ``POST /v1/revisions`` returned it."""
    rng = random.Random(f"review:{reviewer.name}:{case.seed}")
    draft, answer = (_read(knowledge, case, revision[name], reviewer, rng) for name in ("draft", "answer"))
    preferred: Preferred = "revision" if answer >= draft else "draft"
    own = None
    if max(draft, answer) < reviewer.pass_from:
        preferred = "neither"
        if rng.random() < WRITES_OWN_SHARE:
            preferred, own = "own_edit", text_of(full_answer(knowledge, case, rng))
    criteria: Sequence[Mapping[str, Any]] = revision["criteria"]
    verdicts = list(_verdicts(knowledge, criteria, "draft", revision["draft"], reviewer, rng))
    if revision["answer"] != revision["draft"]:
        verdicts += _verdicts(knowledge, criteria, "revision", revision["answer"], reviewer, rng)
    return Review(
        preferred=preferred,
        own_edit=own,
        verdicts=tuple(verdicts),
        added=_added(knowledge, case, criteria, rng),
        removed=_removed(knowledge, case, criteria),
    )


def _read(knowledge: Knowledge, case: Case, text: str, reviewer: Reviewer, rng: random.Random) -> float:
    return score(knowledge, case, text).value + rng.gauss(0.0, reviewer.noise)


def _verdicts(
    knowledge: Knowledge,
    criteria: Sequence[Mapping[str, Any]],
    subject: Subject,
    text: str,
    reviewer: Reviewer,
    rng: random.Random,
) -> Iterator[Verdict]:
    """What the reviewer sees of each criterion in one answer; a criterion in unknown words is left alone."""
    for criterion in criteria:
        true = verdict(knowledge, criterion["text"], text)
        if true is not None:
            yield Verdict(criterion["number"], subject, true != (rng.random() < reviewer.slips))


def _added(
    knowledge: Knowledge, case: Case, criteria: Sequence[Mapping[str, Any]], rng: random.Random
) -> tuple[AddedCriterion, ...]:
    asked = {knowledge.asked_by.get(criterion["text"]) for criterion in criteria}
    made = [criterion_of(knowledge, *wanted, (), rng) for wanted in _wanted(case) if wanted not in asked]
    return tuple(AddedCriterion(one.text, one.points) for one in made)


def _removed(knowledge: Knowledge, case: Case, criteria: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    wanted = _wanted(case)
    return tuple(c["number"] for c in criteria if knowledge.asked_by.get(c["text"]) not in wanted)


def _wanted(case: Case) -> list[tuple[str, bool]]:
    """What the case calls for: items that an answer must say, and faults (True) that it must not."""
    return [*((key, False) for key in case.required), *((key, True) for key in case.faults)]
