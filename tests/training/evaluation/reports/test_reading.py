"""What is read of a run: every sample a row, a failure or missing; which log counts; what is left out of memory."""

import json
import math
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log, write_eval_log

from tests.training.evaluation.reports.conftest import GUIDED_SCORES, HOSTILE
from tests.training.evaluation.reports.made import Made, logged
from training.evaluation.reports.reading import Failure, read_run, read_whole_rows
from training.runs.files import RunError


def two(score: float) -> list[Made]:
    return [Made("a", {"score": score}), Made("b", {"score": score})]


def test_every_sample_is_a_row_a_failure_or_missing(made_run: Path) -> None:
    run = read_run(made_run)
    guided = run.arms["healthbench"]["guided"]
    assert [row.id for row in guided.rows] == [f"case-{n}" for n in range(5)]
    assert [row.score for row in guided.rows] == [
        None if score is None or math.isnan(score) else score for score in GUIDED_SCORES[:5]
    ]
    assert [(one.id, one.epoch) for one in guided.failures] == [("case-5", 1)]
    assert "the engine is gone" in guided.failures[0].message
    assert (guided.unscored, guided.missing, guided.facts.planned) == (1, 0, 6)
    assert run.arms["healthbench"]["draft"].failures == ()


def test_the_header_is_told_as_it_was_written(made_run: Path) -> None:
    run = read_run(made_run)
    facts = run.arms["healthbench"]["draft"].facts
    assert (facts.target, facts.judge, facts.world) == ("toy", "exact", "miniclinic")
    assert facts.notes == ("Toy <model>: not for patients.",)
    assert facts.whole
    assert facts.data == run.arms["healthbench"]["guided"].facts.data
    assert facts.data.startswith("ids-")
    assert "inspect_ai" in facts.versions
    assert run.made_with["packages"] == {"vllm": "0.32.0"}


def test_what_is_long_is_dropped_and_can_be_read_again(made_run: Path) -> None:
    arm = read_run(made_run).arms["healthbench"]["guided"]
    slim = arm.rows[2]
    assert slim.answered.trace == {"outcome": "revised", "reason": None, "rounds": 1}
    assert set(slim.verdicts[0]) == {"criterion", "points", "met"}
    assert slim.answered.text == "患者需要就医"
    whole = read_whole_rows(arm.facts.log, [("case-2", 1)])
    assert list(whole) == [("case-2", 1)]
    assert whole["case-2", 1].verdicts[0]["raw"] == "r" * 500
    assert whole["case-2", 1].answered.trace is not None
    assert whole["case-2", 1].answered.trace["draft"] == "Another draft."
    assert whole["case-2", 1].question.startswith(HOSTILE[:30])


def test_arms_share_the_questions_they_have_in_common(made_run: Path) -> None:
    arms = read_run(made_run).arms["healthbench"]
    assert arms["draft"].rows[0].question is arms["guided"].rows[0].question
    assert arms["draft"].rows[0].metadata is arms["guided"].rows[0].metadata


def test_of_several_logs_the_newest_whole_one_counts(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    for score in (0.1, 0.2, 0.3):
        logged(run, "mlb", "draft", two(score))
    first, second, third = sorted(run.rglob("*.eval"), key=lambda log: scores_in(log))
    stamp(first, "2026-01-01T00:00:00+00:00", "success")
    stamp(second, "2026-01-02T00:00:00+00:00", "success")
    stamp(third, "2026-01-03T00:00:00+00:00", "error")
    read = read_run(run)
    assert [row.score for row in read.arms["mlb"]["draft"].rows] == [0.2, 0.2]
    assert {one.log.name for one in read.passed_over} == {first.name, third.name}
    assert all(second.name in one.reason for one in read.passed_over)


def test_where_no_log_is_whole_the_newest_counts(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    for score in (0.1, 0.2):
        logged(run, "mlb", "draft", two(score))
    first, second = sorted(run.rglob("*.eval"), key=lambda log: scores_in(log))
    stamp(first, "2026-01-02T00:00:00+00:00", "cancelled")
    stamp(second, "2026-01-01T00:00:00+00:00", "error")
    arm = read_run(run).arms["mlb"]["draft"]
    assert ([row.score for row in arm.rows], arm.facts.status) == ([0.1, 0.1], "cancelled")


def test_samples_that_a_killed_run_never_reached_are_missing(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    logged(run, "mlb", "draft", two(0.1), epochs=2)
    [path] = run.rglob("*.eval")
    log = read_eval_log(str(path))
    assert log.samples is not None
    log.samples, log.status = [sample for sample in log.samples if sample.epoch == 1], "started"
    write_eval_log(log, str(path))
    arm = read_run(run).arms["mlb"]["draft"]
    assert (len(arm.rows), arm.missing, arm.facts.whole) == (2, 2, False)


def test_a_broken_log_is_passed_over_and_named(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    logged(run, "mlb", "draft", two(0.1))
    (run / "logs" / "2026-01-01T00-00-00_half.eval").write_bytes(b"PK half an archive")
    [passed_over] = read_run(run).passed_over
    assert passed_over.log.name == "2026-01-01T00-00-00_half.eval"
    assert passed_over.reason.startswith("cannot be read: ")


def test_a_sample_without_a_score_is_a_failure(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    logged(run, "mlb", "draft", two(0.1))
    [path] = run.rglob("*.eval")
    log = read_eval_log(str(path))
    assert log.samples is not None
    log.samples[1].scores = None
    write_eval_log(log, str(path))
    arm = read_run(run).arms["mlb"]["draft"]
    assert arm.failures == (Failure("b", 1, "ended without a score"),)


@pytest.mark.parametrize("files", [{}, {"config.json": "{}"}, {"config.json": "["}])
def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=str(tmp_path)) as refused:
        read_run(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_log_of_something_else_is_refused(tmp_path: Path, inspect_home: Path) -> None:
    run = tmp_path / "run"
    logged(run, "mlb", "draft", two(0.1))
    [path] = run.rglob("*.eval")
    log = read_eval_log(str(path))
    log.eval.metadata = {}
    write_eval_log(log, str(path))
    with pytest.raises(RunError, match="names no benchmark"):
        read_run(run)


def scores_in(log: Path) -> float:
    samples = read_eval_log(str(log)).samples
    assert samples is not None
    assert samples[0].scores is not None
    values = json.loads(json.dumps(samples[0].scores["preceptor"].value))
    return float(values["score"])


def stamp(path: Path, created: str, status: str) -> None:
    log = read_eval_log(str(path))
    log.eval.created, log.status = created, status  # type: ignore[assignment]
    write_eval_log(log, str(path))
