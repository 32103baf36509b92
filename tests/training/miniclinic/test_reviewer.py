import random
from typing import Any

import pytest

from service.revision.rubric import Criterion
from training.miniclinic.answers import draft_answer, full_answer, rubric_of, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.reviewer import Reviewer, review
from training.miniclinic.scorer import score, verdict

KNOWLEDGE = load_knowledge()
CAREFUL = Reviewer("careful", noise=0.0, slips=0.0)


def a_case(seed: int = 3) -> Case:
    return make_case(KNOWLEDGE, seed, "train")


def revision(
    case: Case, draft: str, answer: str, criteria: list[Criterion], wrong: tuple[int, ...] = ()
) -> dict[str, Any]:
    rows = []
    for number, criterion in enumerate(criteria, start=1):
        true = verdict(KNOWLEDGE, criterion.text, draft)
        met = None if true is None else true != (number in wrong)
        rows.append(
            {
                "number": number,
                "text": criterion.text,
                "points": criterion.points,
                "before": {"met": met, "probability": 0.9},
            }
        )
    return {"draft": draft, "answer": answer, "criteria": rows}


def texts(case: Case) -> tuple[str, str]:
    rng = random.Random(1)
    return text_of(draft_answer(KNOWLEDGE, case, rng, 3.0)), text_of(full_answer(KNOWLEDGE, case, rng))


def rubric(case: Case) -> list[Criterion]:
    return rubric_of(KNOWLEDGE, case, (), random.Random(2))


def test_the_better_answer_is_preferred() -> None:
    case = a_case()
    draft, full = texts(case)
    assert score(KNOWLEDGE, case, full).value == 1.0
    assert review(KNOWLEDGE, case, revision(case, draft, full, rubric(case)), CAREFUL).preferred == "revision"
    assert review(KNOWLEDGE, case, revision(case, full, draft, rubric(case)), CAREFUL).preferred == "draft"


def test_every_verdict_is_given_on_both_answers() -> None:
    case = a_case()
    draft, full = texts(case)
    found = review(KNOWLEDGE, case, revision(case, draft, full, rubric(case), wrong=(1, 3)), CAREFUL)
    for subject, text in (("draft", draft), ("revision", full)):
        truth = {n: verdict(KNOWLEDGE, one.text, text) for n, one in enumerate(rubric(case), start=1)}
        assert {one.criterion: one.met for one in found.verdicts if one.subject == subject} == truth


def test_an_accepted_draft_is_judged_once_and_unknown_words_never() -> None:
    case = a_case()
    _, full = texts(case)
    criteria = [*rubric(case)[:2], Criterion("Is written in verse", 1)]
    found = review(KNOWLEDGE, case, revision(case, full, full, criteria), CAREFUL)
    assert [(one.criterion, one.subject) for one in found.verdicts] == [(1, "draft"), (2, "draft")]


def test_what_the_rubric_lacks_is_added_and_what_the_case_does_not_call_for_is_taken_out() -> None:
    case, other = a_case(), next(c for s in range(50) if (c := a_case(s)).presentation.id != a_case().presentation.id)
    draft, full = texts(case)
    stranger = next(c for c in rubric(other) if KNOWLEDGE.asked_by[c.text][0] not in (*case.required, *case.faults))
    kept = rubric(case)[1:]
    found = review(KNOWLEDGE, case, revision(case, draft, full, [*kept, stranger]), CAREFUL)
    asked = {KNOWLEDGE.asked_by[one.text] for one in found.added} | {KNOWLEDGE.asked_by[one.text] for one in kept}
    assert asked == {*((key, False) for key in case.required), *((key, True) for key in case.faults)}
    assert found.removed == (len(kept) + 1,)


def test_bad_answers_are_neither_or_put_right() -> None:
    poor = "Hello. That is all."
    seen = set()
    for seed in range(40):
        case = a_case(seed)
        found = review(KNOWLEDGE, case, revision(case, poor, poor, rubric(case)), CAREFUL)
        seen.add(found.preferred)
        if found.own_edit is not None:
            assert score(KNOWLEDGE, case, found.own_edit).value == 1.0
        assert (found.preferred == "own_edit") == (found.own_edit is not None)
    assert seen == {"neither", "own_edit"}


@pytest.mark.parametrize("slips", [0.0, 0.25])
def test_slips_are_as_many_as_said(slips: float) -> None:
    reviewer = Reviewer("tired", noise=0.0, slips=slips)
    wrong = asked = 0
    for seed in range(200):
        case = a_case(seed)
        draft, full = texts(case)
        shown = rubric(case)
        for one in review(KNOWLEDGE, case, revision(case, draft, full, shown), reviewer).verdicts:
            text = draft if one.subject == "draft" else full
            wrong += one.met != verdict(KNOWLEDGE, shown[one.criterion - 1].text, text)
            asked += 1
    assert wrong / asked == pytest.approx(slips, abs=0.04)


def test_a_review_repeats_itself_and_reviewers_differ() -> None:
    case = a_case()
    draft, full = texts(case)
    shown = revision(case, draft, full, rubric(case))
    noisy = [Reviewer(name, noise=0.3, slips=0.5) for name in ("a", "b")]
    first, again, other = (review(KNOWLEDGE, case, shown, one) for one in (noisy[0], noisy[0], noisy[1]))
    assert first == again
    assert first != other
