import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.model import Model, ModelOutput

from tests.training.evaluation.audit.made import judge, labelled, output
from training.evaluation.audit.audited import SECOND, audited
from training.evaluation.audit.figures import figures
from training.evaluation.audit.task import audit_task
from training.evaluation.rows import Row, read_rows

ITEMS = [
    labelled("a", "met, agreed", True, True),
    labelled("b", "met, disputed", True, False, question="q2"),
    labelled("c", "not met", False, question="q2"),
    labelled("d", "nonsense", True, question="q3"),
]
PROBABILITIES = {"met, agreed": 0.9, "met, disputed": 0.6, "not met": 0.2}


def run(task: Task, logs: Path, grader: Model, second: Model | None = None) -> list[Row]:
    roles = {"grader": grader} | ({} if second is None else {SECOND: second})
    [log] = eval(task, model=grader, model_roles=roles, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return list(read_rows(Path(log.location)))


def test_verdicts_of_one_token_keep_their_probability(inspect_home: Path) -> None:
    def says(asked: Mapping[str, Any]) -> ModelOutput:
        return output("yes", PROBABILITIES.get(asked["criterion"]))

    rows = run(audit_task(ITEMS, style="verdict", threshold=0.7), inspect_home, judge(says))
    found = [audited(row) for row in rows]
    assert [one and (one.met, one.probability) for one in found] == [
        (True, pytest.approx(0.9)),
        (False, pytest.approx(0.6)),
        (False, pytest.approx(0.2)),
        (None, None),
    ]
    assert [row.score for row in rows] == [1.0, 0.5, 1.0, None]
    assert [(row.asked, row.unscored) for row in rows] == [(1, 0)] * 3 + [(1, 1)]
    assert [row.cluster for row in rows] == [item.case for item in ITEMS]
    made = figures(rows)
    assert (made["accuracy"].value, made["unscored"].value) == (0.8, 0.25)


def test_a_judge_without_log_probabilities_is_unscored(inspect_home: Path) -> None:
    rows = run(audit_task(ITEMS, style="verdict"), inspect_home, judge(lambda asked: output("yes")))
    assert [row.verdicts[0]["met"] for row in rows] == [None] * 4
    assert figures(rows)["unscored"].value == 1.0


def test_two_judges_in_json_and_nonsense_of_one(inspect_home: Path) -> None:
    def says(asked: Mapping[str, Any]) -> ModelOutput:
        if asked["criterion"] == "nonsense":
            return output("I cannot say.")
        return output(json.dumps({"explanation": "x", "criteria_met": "not" not in asked["criterion"]}))

    second = judge(lambda asked: output('{"explanation": "x", "criteria_met": false}'), "second")
    rows = run(audit_task(ITEMS, style="json"), inspect_home, judge(says), second)
    ours, theirs = [audited(row) for row in rows], [audited(row, SECOND) for row in rows]
    assert [one and one.met for one in ours] == [True, True, False, None]
    assert [one and one.met for one in theirs] == [False] * 4
    assert [(row.asked, row.unscored) for row in rows] == [(2, 0)] * 3 + [(2, 1)]
    assert [one and one.probability for one in ours] == [None] * 4
    assert {row.answered.text for row in rows} == {"An answer."}
