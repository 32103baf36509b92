"""The four qualities, against the scorer they are read from."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.judges.qualities import KINDS, dimension_of, qualities
from training.methods.comparisons import DIMENSIONS
from training.miniclinic.answers import confused_answer, draft_answer, full_answer, kind_of, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import score

KNOWLEDGE = load_knowledge()
SEEDS = st.integers(0, 5000)
UNKNOWN = "Zebras are striped."


def case_where(*, seed: int = 0, **circumstances: object) -> Case:
    cases = (make_case(KNOWLEDGE, number, "train") for number in range(seed, 100_000))
    return next(c for c in cases if all(getattr(c, name) == value for name, value in circumstances.items()))


def said(case: Case, *left_out: str) -> list[str]:
    return [KNOWLEDGE.items[key].answer[0] for key in case.required if key not in left_out]


def read(case: Case, sentences: list[str]) -> dict[str, float]:
    return dict(zip(DIMENSIONS, qualities(KNOWLEDGE, case, " ".join(sentences)), strict=True))


PERFECT = dict.fromkeys(DIMENSIONS, 1.0)


def test_every_kind_of_item_belongs_to_exactly_one_dimension() -> None:
    kinds = [kind for names in KINDS.values() for kind in names]
    assert len(kinds) == len(set(kinds))
    assert {kind_of(key) for key in KNOWLEDGE.items} | {"filler"} == set(kinds)
    assert tuple(KINDS) == DIMENSIONS


@given(SEEDS, st.booleans())
def test_a_full_answer_is_perfect(seed: int, heldout: bool) -> None:
    case = make_case(KNOWLEDGE, seed, "heldout" if heldout else "train")
    assert qualities(KNOWLEDGE, case, text_of(full_answer(KNOWLEDGE, case, random.Random(seed)))) == (1.0,) * 4


@given(SEEDS, st.booleans())
def test_the_qualities_are_all_perfect_exactly_where_the_score_is(seed: int, confused: bool) -> None:
    case = make_case(KNOWLEDGE, seed, "train")
    make = confused_answer if confused else draft_answer
    answer = text_of(make(KNOWLEDGE, case, random.Random(seed)))
    read_D = qualities(KNOWLEDGE, case, answer)
    assert all(0.0 <= quality <= 1.0 for quality in read_D)
    assert (read_D == (1.0,) * 4) == (score(KNOWLEDGE, case, answer).value == 1.0)


@given(SEEDS, st.data())
def test_leaving_one_item_out_lowers_its_dimension_by_its_share_and_no_other(seed: int, data: st.DataObject) -> None:
    case = make_case(KNOWLEDGE, seed, "train")
    left_out = data.draw(st.sampled_from(case.required))
    dimension = dimension_of(left_out)
    own = [KNOWLEDGE.items[key].points for key in case.required if dimension_of(key) == dimension]
    expected = 1.0 - KNOWLEDGE.items[left_out].points / sum(own)
    assert read(case, said(case, left_out)) == pytest.approx(PERFECT | {dimension: expected})


@given(SEEDS, st.data())
def test_an_unneeded_item_costs_its_dimension_two_points_of_ten(seed: int, data: st.DataObject) -> None:
    case = make_case(KNOWLEDGE, seed, "train")
    avoided = {key.split(".")[0] for key in case.required if ".avoid." in key}
    spare = [
        key
        for key in KNOWLEDGE.items
        if key not in case.required and key not in case.faults and key.split(".")[0] not in avoided
        if key != "reassurance" and not key.startswith(f"{case.medicine}.")
    ]
    key = data.draw(st.sampled_from(spare))
    assert read(case, [*said(case), KNOWLEDGE.items[key].answer[0]]) == pytest.approx(
        PERFECT | {dimension_of(key): 0.8}
    )


def test_a_ruled_out_medicine_costs_its_points_and_the_contradiction() -> None:
    case = next(c for c in (make_case(KNOWLEDGE, n, "train") for n in range(1000)) if c.ruled_out and not c.red_flag)
    recommended = KNOWLEDGE.items[f"{case.medicine}.recommend"].answer[0]
    assert read(case, [*said(case), recommended]) == PERFECT | {"accuracy": 0.0}
    warnings = [key for key in case.required if ".avoid." in key]
    points = [KNOWLEDGE.items[key].points for key in case.required if dimension_of(key) == "accuracy"]
    without = 1 - sum(KNOWLEDGE.items[key].points for key in warnings) / sum(points) - 0.8
    assert read(case, [*said(case, *warnings), recommended])["accuracy"] == pytest.approx(max(0.0, without))


def test_reassurance_beside_an_emergency_is_a_fault_and_a_contradiction() -> None:
    case = case_where(red_flag=True)
    assert read(case, [*said(case), KNOWLEDGE.generic.reassurance.answer[0]])["accuracy"] == 0.0


def test_a_sentence_that_is_nobodys_counts_for_accuracy_and_language() -> None:
    case = case_where(red_flag=False)
    assert read(case, [*said(case), UNKNOWN]) == pytest.approx(PERFECT | {"accuracy": 0.9, "language_quality": 0.9})


def test_repeated_sentences_and_repeated_fillers_count_for_language() -> None:
    case, filler = case_where(detail=True), KNOWLEDGE.generic.padding[0]
    sentences = said(case)
    assert read(case, [*sentences, sentences[0], sentences[0]])["language_quality"] == pytest.approx(0.8)
    assert read(case, [*sentences, filler, filler]) == pytest.approx(PERFECT | {"language_quality": 0.9})
    other_words = KNOWLEDGE.items[case.required[0]].answer[1]
    assert read(case, [*sentences, other_words]) == pytest.approx(PERFECT | {"language_quality": 0.9})


def test_fillers_beyond_the_usual_five_count_for_language() -> None:
    case, fillers = case_where(detail=True), list(KNOWLEDGE.fillers)
    assert read(case, [*said(case), *fillers[:5]]) == PERFECT
    assert read(case, [*said(case), *fillers[:7]]) == pytest.approx(PERFECT | {"language_quality": 0.8})


@pytest.mark.parametrize("answer", ["", "  ", UNKNOWN, " ".join(KNOWLEDGE.generic.padding[:2])])
def test_an_answer_that_says_no_item_is_worth_nothing(answer: str) -> None:
    assert qualities(KNOWLEDGE, case_where(red_flag=True, detail=True), answer) == (0.0,) * 4


def test_a_question_whose_answer_is_known_is_not_proactive() -> None:
    case = case_where(detail=True, red_flag=True)
    asked = KNOWLEDGE.items[f"{case.presentation.id}.ask"].answer[0]
    assert not any(dimension_of(key) == "proactiveness" for key in case.required)
    assert read(case, [*said(case), asked]) == pytest.approx(PERFECT | {"proactiveness": 0.8})


@given(SEEDS, st.text(max_size=40))
def test_any_text_has_qualities(seed: int, text: str) -> None:
    case = make_case(KNOWLEDGE, seed, "heldout")
    assert all(0.0 <= quality <= 1.0 for quality in qualities(KNOWLEDGE, case, f"{said(case)[0]} {text}"))
