import random

import pytest

from training.miniclinic.answers import full_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge
from training.miniclinic.rubrics import GENERIC, GenericJudge, exact_row, generic_row, near_misses
from training.miniclinic.scorer import score, verdict

PROMPT = ({"role": "user", "content": "x"},)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.mark.parametrize("seed", range(40))
def test_a_full_answer_gets_all_positive_points_and_no_other(knowledge: Knowledge, seed: int) -> None:
    case = make_case(knowledge, seed, "train")
    answer = text_of(full_answer(knowledge, case, random.Random(seed)))
    row = exact_row(knowledge, case, f"train-{seed}")
    verdicts = [verdict(knowledge, criterion.criterion, answer) for criterion in row.rubrics]
    assert verdicts == [criterion.points > 0 for criterion in row.rubrics]


@pytest.mark.parametrize("seed", range(40))
def test_a_near_miss_costs_what_the_scorer_takes_off(knowledge: Knowledge, seed: int) -> None:
    case = make_case(knowledge, seed, "train")
    answer, row = text_of(full_answer(knowledge, case, random.Random(seed))), exact_row(knowledge, case, "a")
    positive = sum(criterion.points for criterion in row.rubrics if criterion.points > 0)
    alone = [key for key in near_misses(knowledge, case) if not key.endswith((".recommend", ".emergency"))]
    for key in alone:
        said = f"{answer} {knowledge.items[key].answer[0]}"
        lost = score(knowledge, case, answer).value - score(knowledge, case, said).value
        [criterion] = [c for c in row.rubrics if c.points < 0 and verdict(knowledge, c.criterion, said)]
        assert lost == pytest.approx(-criterion.points / positive)


def test_every_criterion_of_a_rubric_is_there_once(knowledge: Knowledge) -> None:
    for seed in range(200):
        texts = [c.criterion for c in exact_row(knowledge, make_case(knowledge, seed, "train"), "a").rubrics]
        assert len(texts) == len(set(texts))


async def test_the_generic_rubric_is_met_by_any_sentence_of_a_kind(knowledge: Knowledge) -> None:
    texts = [criterion.text for criterion in GENERIC]
    sentence = knowledge.items["headache.safety_net"].answer[0]
    verdicts = await GenericJudge(knowledge).verdicts(PROMPT, sentence, [*texts, "Something else"])
    assert dict(zip(texts, verdicts, strict=False)) == {text: text == "Says when to seek help" for text in texts}
    assert verdicts[-1] is None


def test_the_generic_rubric_is_the_same_for_every_question(knowledge: Knowledge) -> None:
    rows = [generic_row(make_case(knowledge, seed, "train"), f"train-{seed}") for seed in range(3)]
    assert rows[0].rubrics == rows[1].rubrics == rows[2].rubrics
    assert [row.prompt_id for row in rows] == ["train-0", "train-1", "train-2"]
