import json
from statistics import fmean

import pytest

from tests.training.evaluation.healthbench.judge import output
from training.data.healthbench import HealthBenchLabels, HealthBenchRow
from training.evaluation.healthbench.figures import THEMES
from training.evaluation.healthbench.miniclinic import (
    CLUSTERS,
    LABELS_EACH,
    PHYSICIANS,
    consensus_rows,
    full_rows,
    judged,
    label_rows,
)
from training.evaluation.healthbench.question import Verdict, read_json_verdict
from training.judges.miniclinic import case_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.rubrics import exact_row
from training.miniclinic.scorer import verdict

KNOWLEDGE = load_knowledge()
SEEDS = range(60)


def test_rows_are_the_exact_ones_with_themes_that_are_true_of_the_case() -> None:
    seen: set[str] = set()
    for seed, row in zip(SEEDS, full_rows(KNOWLEDGE, SEEDS), strict=True):
        case = make_case(KNOWLEDGE, seed, "heldout")
        assert row.prompt_id == f"heldout-{seed}"
        assert case_of(KNOWLEDGE, row.prompt_id) == case
        assert row.rubrics == exact_row(KNOWLEDGE, case, row.prompt_id).rubrics
        assert ("theme:emergency_referrals" in row.example_tags) == case.red_flag
        assert ("theme:context_seeking" in row.example_tags) == (not case.detail)
        assert ("theme:communication" in row.example_tags) == case.professional
        assert HealthBenchRow.model_validate_json(row.model_dump_json()) == row
        seen.update(row.example_tags)
    assert "theme:everyday_questions" in seen
    assert seen - {"theme:everyday_questions"} <= {f"theme:{theme}" for theme in THEMES}
    assert len(seen) == 5


def test_consensus_rows_hold_consensus_criteria_alone() -> None:
    full, consensus = full_rows(KNOWLEDGE, SEEDS), consensus_rows(KNOWLEDGE, SEEDS)
    seen: set[str] = set()
    for whole, row in zip(full, consensus, strict=True):
        assert HealthBenchRow.model_validate_json(row.model_dump_json()) == row
        assert {c.criterion for c in row.rubrics} <= {c.criterion for c in whole.rubrics if c.points > 0}
        assert {(c.points, "level:cluster" in c.tags) for c in row.rubrics} == {(5, True)}
        seen.update(tag for c in row.rubrics for tag in c.tags if tag.startswith("cluster:"))
    assert seen == set(CLUSTERS.values())


def test_physicians_label_what_is_so_but_for_their_share() -> None:
    rows = label_rows(KNOWLEDGE, SEEDS)
    wrong: dict[str, list[bool]] = {name: [] for name in PHYSICIANS}
    for row in rows:
        assert HealthBenchLabels.model_validate_json(row.model_dump_json()) == row
        assert len(set(row.anonymized_physician_ids)) == LABELS_EACH
        truth = verdict(KNOWLEDGE, row.rubric, row.completion)
        for name, label in zip(row.anonymized_physician_ids, row.binary_labels, strict=True):
            wrong[name].append(label != truth)
    for name, share in PHYSICIANS.items():
        assert fmean(wrong[name]) == pytest.approx(share, abs=0.1)
    assert label_rows(KNOWLEDGE, SEEDS) == rows


def test_the_exact_judge_answers_as_the_prompt_asks() -> None:
    row = label_rows(KNOWLEDGE, [0])[0]
    payload = {"kind": "criterion", "messages": [], "criterion": row.rubric, "points": 5}
    item = KNOWLEDGE.items[KNOWLEDGE.asked_by[row.rubric][0]]
    for answer, met in [(item.answer[0], True), ("Nothing.", False)]:
        text = judged(KNOWLEDGE, payload | {"answer": answer})
        assert text is not None
        assert json.loads(text).keys() == {"explanation", "criteria_met"}
        read = read_json_verdict(output(text))
        assert isinstance(read, Verdict)
        assert read.met is met


def test_an_unknown_criterion_is_not_read_and_another_question_not_answered() -> None:
    payload = {"kind": "criterion", "messages": [], "answer": "Yes.", "criterion": "Is kind", "points": 5}
    text = judged(KNOWLEDGE, payload)
    assert text is not None
    assert read_json_verdict(output(text)) is None
    assert judged(KNOWLEDGE, {"kind": "pair"}) is None
