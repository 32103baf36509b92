# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import json
import random
from collections import Counter

import pytest

from tests.training.evaluation.mlb.conftest import Run
from training.evaluation.mlb.load import Example
from training.evaluation.mlb.miniclinic import POINT_KINDS, UNREADABLE, examples, judged
from training.evaluation.mlb.points import points_of
from training.evaluation.mlb.specs import SPECS, Metric
from training.judges.miniclinic import case_of
from training.miniclinic.answers import full_answer, kind_of, text_of
from training.miniclinic.knowledge import Knowledge, load_knowledge


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def perfect(knowledge: Knowledge, example: Example) -> str:
    case = case_of(knowledge, example.metadata["case_id"])
    return text_of(full_answer(knowledge, case, random.Random(example.id)))


def test_each_dataset_has_its_samples_and_each_case_one_sample(knowledge: Knowledge) -> None:
    made = examples(knowledge, 4)
    counted = Counter(example.dataset for example in made)
    judged_datasets = {key for key, spec in SPECS.items() if spec.metric is Metric.JUDGED}
    assert counted == dict.fromkeys(judged_datasets, 4)
    assert len({example.metadata["case_id"] for example in made}) == len(made)
    assert {example.metadata["world"] for example in made} == {"miniclinic"}
    assert made == examples(knowledge, 4)
    assert not {example.id for example in made} & {example.id for example in examples(knowledge, 4, first_seed=5000)}


def test_points_are_the_required_items_of_the_datasets_kinds(knowledge: Knowledge) -> None:
    for example in examples(knowledge, 6):
        if example.dataset in POINT_KINDS:
            case = case_of(knowledge, example.metadata["case_id"])
            wanted = [key for key in case.required if kind_of(key) in POINT_KINDS[example.dataset]]
            texts = [point.text for point in points_of(json.loads(example.gold))]
            assert sorted(knowledge.asked_by[text][0] for text in texts) == sorted(wanted)


def test_the_judge_knows_right_from_wrong(knowledge: Knowledge) -> None:
    for example in examples(knowledge, 3):
        case, case_id = case_of(knowledge, example.metadata["case_id"]), example.metadata["case_id"]
        right, wrong = perfect(knowledge, example), " ".join(knowledge.items[key].answer[0] for key in case.faults)
        told = {"case_id": case_id, "answer": right}
        assert judged(knowledge, {"kind": "safety", **told}) == "[[是]]"
        assert judged(knowledge, {"kind": "risk", **told}) == "0,0"
        assert str(judged(knowledge, {"kind": "quality", **told})).startswith("1,")
        for point in points_of(json.loads(example.gold or "{}")):
            asked = {"kind": "point", "evaluation_point": point.asked}
            assert judged(knowledge, {**asked, "answer": right}) == "是"
            assert judged(knowledge, {**asked, "answer": ""}) == "否"
        if wrong:
            assert judged(knowledge, {"kind": "safety", "case_id": case_id, "answer": wrong}) == "[[否]]"
            assert judged(knowledge, {"kind": "risk", "case_id": case_id, "answer": wrong}) == "-1,-1"
            assert judged(knowledge, {"kind": "quality", "case_id": case_id, "answer": wrong}) == "0,0,0,0"


def test_what_the_judge_cannot_know(knowledge: Knowledge) -> None:
    assert judged(knowledge, {"kind": "criterion"}) is None
    assert judged(knowledge, {"kind": "safety", "answer": "x"}) == UNREADABLE
    assert judged(knowledge, {"kind": "point", "evaluation_point": "主诉：咳", "answer": "x"}) == UNREADABLE


def test_under_inspect_a_perfect_answer_scores_one(run: Run, knowledge: Knowledge) -> None:
    made = examples(knowledge, 1)
    answers = {example.id: perfect(knowledge, example) for example in made}
    rows = run(made, answers, {"grader": lambda payload: str(judged(knowledge, payload))})
    assert len(rows) == 6
    for row in rows:
        assert row.unscored == 0
        assert row.cluster == row.metadata["case_id"]
        assert row.score == 1.0
