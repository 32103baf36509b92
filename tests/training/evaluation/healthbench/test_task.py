import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import Model, ModelOutput

from tests.training.evaluation.healthbench.judge import answers, judge, output
from training.data.files import FaultyRow
from training.data.healthbench import HealthBenchRow
from training.evaluation.healthbench.figures import figures
from training.evaluation.healthbench.formula import Judged, score, tag_score
from training.evaluation.healthbench.miniclinic import consensus_rows, full_rows, judged
from training.evaluation.healthbench.question import Question
from training.evaluation.healthbench.scorer import AXES, rescored
from training.evaluation.healthbench.task import healthbench_task, load
from training.evaluation.pooled import interval
from training.evaluation.rows import Row, read_header, read_rows
from training.miniclinic.answers import draft_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import verdict

KNOWLEDGE = load_knowledge()
SEEDS = range(3)
ROWS = full_rows(KNOWLEDGE, SEEDS)
DRAFTS = {
    f"heldout-{seed}": text_of(draft_answer(KNOWLEDGE, make_case(KNOWLEDGE, seed, "heldout"), random.Random(seed)))
    for seed in SEEDS
}


def exact(payload: Mapping[str, Any]) -> ModelOutput:
    text = judged(KNOWLEDGE, payload)
    assert text is not None
    return output(text)


def run(model: Model, logs: Path, rows: list[HealthBenchRow] = ROWS, epochs: int = 1) -> tuple[Path, list[Row]]:
    task = healthbench_task(
        rows, answers(DRAFTS), name="healthbench_full_draft", subset="full", metadata={"arm": "draft"}
    )
    log = inspect_eval(
        task,
        model="mockllm/model",
        model_roles={"grader": model},
        epochs=epochs,
        display="none",
        log_dir=str(logs),
    )[0]
    assert log.status == "success"
    path = Path(log.location)
    return path, list(read_rows(path))


def truth(row: HealthBenchRow) -> list[Judged]:
    draft = DRAFTS[row.prompt_id]
    return [Judged(c.points, c.tags, verdict(KNOWLEDGE, c.criterion, draft)) for c in row.rubrics]


def test_with_the_exact_judge_scores_are_the_formulas(inspect_home: Path) -> None:
    path, rows = run(judge(exact), inspect_home)
    assert [row.id for row in rows] == [row.prompt_id for row in ROWS]
    for made, row in zip(rows, ROWS, strict=True):
        assert made.score == score(truth(row))
        assert [v["met"] for v in made.verdicts] == [criterion.met for criterion in truth(row)]
        assert (made.asked, made.unscored, made.cluster) == (len(row.rubrics), 0, row.prompt_id)
        assert made.values.keys() == {"score", *(f"axis:{axis}" for axis in AXES)}
        again = rescored(made.verdicts)
        assert {name: None if math.isnan(value) else value for name, value in again.items()} == made.values
        assert made.metadata["example_tags"] == list(row.example_tags)
        assert made.answered.tokens == 15
    scores = [row.score for row in rows if row.score is not None]
    assert figures(rows)["score"].value == pytest.approx(min(1.0, max(0.0, sum(scores) / len(scores))))
    header = read_header(path)
    assert header.eval.metadata == {"subset": "full", "judge_prompt": Question().version, "arm": "draft"}
    assert header.results is not None
    assert {result.name for result in header.results.scores} == {"score", *(f"axis:{axis}" for axis in AXES)}


def test_nonsense_is_counted_and_scores_nothing(inspect_home: Path) -> None:
    _, rows = run(judge(lambda _: output("The answer is 42.")), inspect_home)
    assert len(rows) == len(ROWS)
    for made, row in zip(rows, ROWS, strict=True):
        assert set(made.values.values()) == {None}
        assert (made.asked, made.unscored) == (len(row.rubrics), len(row.rubrics))
        assert {(v["met"], v["raw"], v["failed"]) for v in made.verdicts} == {(None, "The answer is 42.", "unreadable")}
    found = figures(rows)
    assert math.isnan(found["score"].value)
    assert math.isnan(interval(found["score"], [row.cluster for row in rows]).low)


def test_one_unread_verdict_unscores_its_axis_and_sample_and_moves_nothing_else(inspect_home: Path) -> None:
    unread = next(c for c in ROWS[0].rubrics if c.axis == "accuracy")

    def partly(payload: Mapping[str, Any]) -> ModelOutput:
        return output("?") if payload["criterion"] == unread.criterion else exact(payload)

    _, (row,) = run(judge(partly), inspect_home, ROWS[:1])
    assert (row.asked, row.unscored) == (len(ROWS[0].rubrics), 1)
    expected = {f"axis:{axis}": tag_score(truth(ROWS[0]), f"axis:{axis}") for axis in AXES}
    assert expected["axis:completeness"] is not None
    assert row.values == expected | {"score": None, "axis:accuracy": None}


def test_the_services_question_scores_too(inspect_home: Path) -> None:
    def yes(payload: Mapping[str, Any]) -> ModelOutput:
        return output("yes", {"yes": math.log(0.7), "no": math.log(0.3)})

    task = healthbench_task(
        ROWS[:1], answers(DRAFTS), name="n", subset="full", style="verdict", prompts="compact", threshold=0.75
    )
    log = inspect_eval(
        task, model="mockllm/model", model_roles={"grader": judge(yes)}, display="none", log_dir=str(inspect_home)
    )[0]
    (row,) = read_rows(Path(log.location))
    assert {(v["met"], v["reason"], round(v["probability"], 9)) for v in row.verdicts} == {(False, None, 0.7)}
    assert row.score == 0.0


def test_epochs_of_one_question_are_one_cluster(inspect_home: Path) -> None:
    _, rows = run(judge(exact), inspect_home, epochs=2)
    assert sorted((row.id, row.epoch) for row in rows) == sorted((row.prompt_id, e) for row in ROWS for e in (1, 2))
    assert {row.cluster for row in rows} == {row.prompt_id for row in ROWS}
    found = figures(rows)
    assert found["worst_at_2"].value == pytest.approx(found["score"].value)


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="1 ids come more than once, 'heldout-0' for one"):
        healthbench_task([ROWS[0], *ROWS], answers({}), name="n", subset="full")


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    full, consensus = tmp_path / "full.jsonl", tmp_path / "consensus.jsonl"
    full.write_text("".join(row.model_dump_json() + "\n" for row in ROWS), "utf-8")
    consensus.write_text("".join(row.model_dump_json() + "\n" for row in consensus_rows(KNOWLEDGE, SEEDS)), "utf-8")
    assert load(full, "full") == load(full, "hard") == ROWS
    assert load(consensus, "consensus") == consensus_rows(KNOWLEDGE, SEEDS)
    with pytest.raises(ValueError, match="heldout-0 has a criterion of its own: not the consensus file"):
        load(full, "consensus")


def test_a_faulty_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "faulty.jsonl"
    path.write_text(json.dumps(json.loads(ROWS[0].model_dump_json()) | {"rubrics": []}) + "\n", "utf-8")
    with pytest.raises(FaultyRow, match=r"faulty.jsonl:1: rubrics"):
        load(path, "full")
