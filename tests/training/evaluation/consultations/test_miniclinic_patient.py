"""The exact patient: what is kept back, and what brings it out."""

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.consultations.miniclinic_patient import (
    DOES_NOT_KNOW,
    NOTHING_ELSE,
    facts_of,
    opening_of,
    patient,
    patient_says,
)
from training.evaluation.consultations.patient import END
from training.judges.miniclinic import UnknownCase
from training.miniclinic.answers import full_answer, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge

SEEDS = st.integers(0, 3000)


@cache
def world() -> Knowledge:
    return load_knowledge()


def case(seed: int) -> Case:
    return make_case(world(), seed, "heldout")


def where(**circumstances: object) -> Case:
    cases = (case(seed) for seed in range(10_000))
    return next(c for c in cases if all(getattr(c, name) == value for name, value in circumstances.items()))


def ask_of(one: Case) -> str:
    return world().items[f"{one.presentation.id}.ask"].answer[0]


@given(SEEDS)
def test_the_opening_keeps_every_fact_back_and_says_all_else(seed: int) -> None:
    one = case(seed)
    opening, facts = opening_of(world(), one), facts_of(world(), one)
    assert set(facts) == {*one.attributes, "detail"}
    assert not any(fact in opening for fact in facts.values())
    said = " ".join(message["content"] for message in one.messages if message["role"] == "user")
    assert set(said.split()) - set(opening.split()) <= {word for fact in facts.values() for word in fact.split()}
    assert opening


@given(SEEDS)
def test_the_cases_own_question_brings_the_detail_alone(seed: int) -> None:
    one = case(seed)
    assert patient_says(world(), one, f"Good. {ask_of(one)}", []) == facts_of(world(), one)["detail"]


@given(SEEDS)
def test_asking_for_anything_else_brings_at_most_two_facts_a_turn_until_all_are_told(seed: int) -> None:
    one = case(seed)
    facts, told = set(facts_of(world(), one).values()), [opening_of(world(), one)]
    question = world().generic.inner_turns[0]
    while (said := patient_says(world(), one, question, told)) != NOTHING_ELSE:
        assert 1 <= sum(fact in said for fact in facts) <= 2
        told.append(said)
    assert all(any(fact in text for text in told) for fact in facts)


@given(SEEDS)
def test_advice_ends_the_consultation_unless_it_asks(seed: int) -> None:
    one = case(seed)
    advice = text_of(full_answer(world(), one, random.Random(seed)))
    assert patient_says(world(), one, advice, []) == (END if one.detail else facts_of(world(), one)["detail"])


def test_what_the_world_has_no_item_for_is_not_known() -> None:
    one = where(attributes=("kidney",), professional=False)
    other = next(p for p in world().presentations if p != one.presentation.id)
    assert patient_says(world(), one, world().items[f"{other}.ask"].answer[0], []) == DOES_NOT_KNOW
    assert patient_says(world(), one, "What is your favourite colour?", []) == DOES_NOT_KNOW
    assert patient_says(world(), one, "Is there any kidney trouble?", []) == facts_of(world(), one)["kidney"]
    assert patient_says(world(), one, "Are you pregnant?", []) == DOES_NOT_KNOW


def test_it_answers_its_own_kind_of_question() -> None:
    one = where(detail=False)
    payload = {"kind": "patient", "case_id": f"heldout-{one.seed}", "doctor": ask_of(one), "told": []}
    assert patient(world(), payload) == facts_of(world(), one)["detail"]
    assert patient(world(), payload | {"kind": "comparison"}) is None
    with pytest.raises(UnknownCase):
        patient(world(), payload | {"case_id": "cmtmedqa-1"})
