from collections import Counter

import pytest

from training.miniclinic.cases import Case, is_heldout, make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def combination(case: Case) -> tuple[object, ...]:
    return (case.presentation.id, case.attributes, case.professional, case.red_flag, case.detail)


def test_the_same_seed_gives_the_same_case(knowledge: Knowledge) -> None:
    assert make_case(knowledge, 7, "train") == make_case(knowledge, 7, "train")
    assert make_case(knowledge, 7, "train") != make_case(knowledge, 8, "train")


def test_whole_combinations_are_kept_out_of_training(knowledge: Knowledge) -> None:
    train = {combination(make_case(knowledge, seed, "train")) for seed in range(1500)}
    heldout = {combination(make_case(knowledge, seed, "heldout")) for seed in range(500)}
    assert not train & heldout
    assert all(is_heldout(key) for key in heldout)


def test_some_phrases_are_never_seen_in_training(knowledge: Knowledge) -> None:
    novel = {p.heldout_lay for p in knowledge.presentations.values()}
    novel |= {p.heldout_professional for p in knowledge.presentations.values()}
    for seed in range(1500):
        text = make_case(knowledge, seed, "train").messages[0]["content"]
        assert not any(f" {phrase} " in text or f" {phrase}." in text for phrase in novel)
    assert 180 <= sum(make_case(knowledge, seed, "heldout").novel_phrase for seed in range(500)) <= 320


def test_what_is_required_follows_from_the_patient(knowledge: Knowledge) -> None:
    for seed in range(800):
        case = make_case(knowledge, seed, "train")
        own = case.presentation.id
        assert (f"{own}.emergency" in case.required) == case.red_flag
        assert (f"{own}.safety_net" in case.required) != case.red_flag
        assert (f"{own}.ask" in case.required) != case.detail
        assert (f"{own}.professional" in case.required) == case.professional
        for name in case.ruled_out:
            assert f"{case.medicine}.avoid.{name}" in case.required
            assert f"{case.medicine}.recommend" in case.faults
        assert not set(case.required) & set(case.faults)


def test_patients_are_possible(knowledge: Knowledge) -> None:
    for seed in range(800):
        attributes = set(make_case(knowledge, seed, "train").attributes)
        assert len(attributes & {"baby", "child", "older"}) <= 1
        assert not ("pregnant" in attributes and attributes & {"baby", "child", "older"})


def test_cases_vary(knowledge: Knowledge) -> None:
    cases = [make_case(knowledge, seed, "train") for seed in range(1000)]
    assert len({case.presentation.id for case in cases}) == len(knowledge.presentations)
    turns = Counter(len(case.messages) for case in cases)
    assert set(turns) == {1, 3}
    assert turns[3] > 100
    assert all(case.messages[-1]["content"] for case in cases)
