import random

import pytest

from training.miniclinic.answers import draft_answer, full_answer, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge
from training.miniclinic.scorer import score, verdict


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture(scope="module")
def case(knowledge: Knowledge) -> Case:
    """A lay adult with a headache, a kidney disease, no red flag, and the onset not told."""
    for seed in range(20_000):
        case = make_case(knowledge, seed, "train")
        told = (case.presentation.id, case.attributes, case.professional, case.red_flag, case.detail)
        if told == ("headache", ("kidney",), False, False, False):
            return case
    pytest.fail("no such case among the first 20,000 seeds")


def said(knowledge: Knowledge, *keys: str) -> str:
    return " ".join(knowledge.items[key].answer[0] for key in keys)


def test_a_full_answer_scores_one_and_a_draft_at_most_one(knowledge: Knowledge) -> None:
    for seed in range(300):
        case, rng = make_case(knowledge, seed, "heldout"), random.Random(seed)
        assert score(knowledge, case, text_of(full_answer(knowledge, case, rng))).value == 1.0
        assert score(knowledge, case, text_of(draft_answer(knowledge, case, rng))).value <= 1.0


def test_points_are_those_of_the_criteria(knowledge: Knowledge, case: Case) -> None:
    points = {key: knowledge.items[key].points for key in case.required}
    assert set(points) == {
        "headache.explain", "headache.act", "nsaid.avoid.kidney", "headache.safety_net", "headache.ask",
    }  # fmt: skip
    scored = score(knowledge, case, said(knowledge, "headache.act", "nsaid.avoid.kidney"))
    assert scored.met == ("headache.act", "nsaid.avoid.kidney")
    assert scored.value == pytest.approx((points["headache.act"] + 9) / sum(points.values()))


@pytest.mark.parametrize(
    ("keys", "points"),
    [
        (("headache.act", "headache.act"), 5 - 1),
        (("headache.act", "attribute.older"), 5 - 2),
        (("headache.act", "nsaid.recommend"), 5 - 8),
        (("nsaid.avoid.kidney", "nsaid.recommend"), 9 - 8 - 3),
    ],
    ids=["repeated", "unneeded", "fault", "contradiction"],
)
def test_what_costs_points(knowledge: Knowledge, case: Case, keys: tuple[str, ...], points: int) -> None:
    positive = sum(knowledge.items[key].points for key in case.required)
    assert score(knowledge, case, said(knowledge, *keys)).value == pytest.approx(points / positive)


def test_unknown_and_repeated_filler_sentences_cost_a_point_each(knowledge: Knowledge, case: Case) -> None:
    positive = sum(knowledge.items[key].points for key in case.required)
    filler = knowledge.generic.padding[0]
    scored = score(knowledge, case, f"{said(knowledge, 'headache.act')} Drink moonlight daily. {filler} {filler}")
    assert scored.unknown == ("Drink moonlight daily.",)
    assert scored.value == pytest.approx((5 - 1 - 1) / positive)


def test_verdict_is_true_exactly_where_the_item_is_said(knowledge: Knowledge) -> None:
    answer = said(knowledge, "headache.act", "reassurance")
    assert verdict(knowledge, knowledge.items["headache.act"].criterion[1], answer) is True
    assert verdict(knowledge, knowledge.items["headache.ask"].criterion[0], answer) is False
    assert verdict(knowledge, knowledge.items["reassurance"].criterion[0], answer) is True
    assert verdict(knowledge, "Says something nobody wrote", answer) is None


def test_an_empty_answer_scores_zero(knowledge: Knowledge, case: Case) -> None:
    assert score(knowledge, case, "").value == 0.0
