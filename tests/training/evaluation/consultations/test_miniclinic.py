"""The miniclinic's consultations, counterparts and exact judge."""

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.consultations.consultation import Transcript, doctor_turns
from training.evaluation.consultations.judge import FIELDS
from training.evaluation.consultations.miniclinic import advice_of, counterparts, judged, scripted, simulated
from training.evaluation.consultations.patient import FACTS_A_TURN, told_facts
from training.judges.miniclinic import UnknownCase, case_of
from training.judges.qualities import qualities
from training.miniclinic.knowledge import Knowledge, load_knowledge

SEEDS = range(60)
NAMES = ["hasty", "usual", "careful", "mistaken"]


@cache
def world() -> Knowledge:
    return load_knowledge()


def compared(case: str, first: Transcript, second: Transcript) -> dict[str, str]:
    payload = {"kind": "comparison", "case_id": case, "source": "", "reference": [], "first": first, "second": second}
    answer = judged(world(), payload)
    assert answer is not None
    return {name: row["better"] for name, row in json.loads(answer).items()}


def test_both_sets_exist_and_name_their_cases() -> None:
    scripts, played = scripted(world(), SEEDS), simulated(world(), SEEDS)
    assert [case.id for case in scripts] == [f"heldout-{seed}" for seed in SEEDS]
    assert {case.id for case in played} < {case.id for case in scripts}
    assert {len(case.patient) for case in scripts} == {1, 2}
    assert all(case.hidden_case is None for case in scripts)
    assert all(case.hidden_case and not told_facts(case.hidden_case, case.patient[0].text) for case in played)


def test_the_records_doctor_is_perfect() -> None:
    for case in (*scripted(world(), SEEDS), *simulated(world(), SEEDS)):
        advice = advice_of(world(), case.record("en"))
        assert qualities(world(), case_of(world(), case.id), advice) == (1.0,) * 4


def test_every_case_has_four_counterparts_that_speak_to_the_end() -> None:
    for cases in (scripted(world(), SEEDS), simulated(world(), SEEDS)):
        them = counterparts(world(), cases)
        for case in cases:
            assert list(them.of(case.id)) == NAMES
            for transcript in them.of(case.id).values():
                assert transcript[0] == ("patient", case.patient[0].text)
                assert transcript[-1][0] == "doctor"
        assert them.name == counterparts(world(), cases).name


def test_a_counterpart_learns_what_it_asks_for_two_facts_a_turn() -> None:
    for case in simulated(world(), SEEDS):
        assert case.hidden_case is not None
        for transcript in counterparts(world(), [case]).of(case.id).values():
            answers = [text for role, text in transcript[1:] if role == "patient"]
            assert all(len(told_facts(case.hidden_case, text)) <= FACTS_A_TURN for text in answers)
            assert bool(answers) == (len(doctor_turns(transcript)) > 1)


def test_careful_doctors_beat_hasty_and_mistaken_ones() -> None:
    for cases in (scripted(world(), SEEDS), simulated(world(), SEEDS)):
        them = counterparts(world(), cases)
        for other in ("hasty", "mistaken"):
            found = [compared(c.id, them.of(c.id)["careful"], them.of(c.id)[other])["overall"] for c in cases]
            assert found.count("first") > 2 * found.count("second")


@given(st.integers(0, 59), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_the_exact_judge_has_no_order(seed: int, one: str, other: str) -> None:
    cases = scripted(world(), range(seed, seed + 1))
    them = counterparts(world(), cases).of(cases[0].id)
    turned = {"first": "second", "second": "first", "tie": "tie"}
    shown = compared(cases[0].id, them[one], them[other])
    assert list(shown) == list(FIELDS)
    assert compared(cases[0].id, them[other], them[one]) == {name: turned[better] for name, better in shown.items()}
    assert one != other or set(shown.values()) == {"tie"}


def test_advice_counts_an_item_once_and_the_last_turns_fillers() -> None:
    knowledge = world()
    act, ask = knowledge.items["headache.act"].answer, knowledge.items["headache.ask"].answer[0]
    opening, closing, inner = (
        knowledge.generic.opening[0],
        knowledge.generic.closing[0],
        knowledge.generic.inner_turns[0],
    )
    transcript: Transcript = (
        ("patient", "a"),
        ("doctor", f"{opening} {act[0]} {ask} {inner}"),
        ("patient", "b"),
        ("doctor", f"{act[1]} Zebras are striped. {closing}"),
    )
    assert advice_of(knowledge, transcript) == f"{act[0]} {ask} Zebras are striped. {closing}"


def test_it_judges_its_own_kind_and_world() -> None:
    assert judged(world(), {"kind": "criterion"}) is None
    payload = {"kind": "comparison", "case_id": "cmtmedqa-1", "first": [], "second": []}
    with pytest.raises(UnknownCase):
        judged(world(), payload)
