import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import Model, ModelOutput

from tests.training.evaluation.healthbench.judge import judge, output
from training.evaluation.healthbench.meta import counts, figures, macro_f1, physicians
from training.evaluation.healthbench.meta_task import labelled, load_labels, meta_task
from training.evaluation.healthbench.miniclinic import judged, label_rows
from training.evaluation.pooled import interval
from training.evaluation.rows import Row, read_rows
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import verdict

KNOWLEDGE = load_knowledge()
LABELS = label_rows(KNOWLEDGE, range(4))


def exact(payload: Mapping[str, Any]) -> ModelOutput:
    text = judged(KNOWLEDGE, payload)
    assert text is not None
    assert payload["points"] is None
    return output(text)


def run(model: Model, logs: Path) -> list[Row]:
    log = inspect_eval(
        meta_task(LABELS, name="healthbench_meta"),
        model="mockllm/model",
        model_roles={"grader": model},
        display="none",
        log_dir=str(logs),
    )[0]
    assert log.status == "success"
    return list(read_rows(Path(log.location)))


def test_the_exact_judge_agrees_with_physicians_as_often_as_they_are_right(inspect_home: Path) -> None:
    rows = run(judge(exact), inspect_home)
    pairs = np.zeros(4)
    for row, item in zip(rows, LABELS, strict=True):
        met = verdict(KNOWLEDGE, item.rubric, item.completion)
        assert met is not None
        pairs += counts(met, item.binary_labels)
        assert row.score == pytest.approx(list(item.binary_labels).count(met) / len(item.binary_labels))
        assert (row.cluster, row.asked, row.unscored) == (item.prompt_id, 1, 0)
        assert (row.answered.text, row.answered.tokens) == (item.completion, 0)
        assert row.verdicts[0]["criterion"] == item.rubric
    found = figures(rows)
    assert found["macro_f1_pooled"].value == pytest.approx(float(macro_f1(pairs)))
    assert interval(found["macro_f1_pooled"], [row.cluster for row in rows]).low > 0.5
    assert [labelled(row) for row in rows] == [labelled(item) for item in LABELS]
    assert 0.5 < physicians(labelled(row) for row in rows).pooled < found["macro_f1_pooled"].value


def test_what_is_unread_is_no_pair(inspect_home: Path) -> None:
    rows = run(judge(lambda _: output("Hm.")), inspect_home)
    assert {value for row in rows for value in row.values.values()} == {None}
    assert sum(row.unscored for row in rows) == len(LABELS)
    assert math.isnan(figures(rows)["macro_f1_pooled"].value)


def test_rows_are_told_apart_by_answer_and_criterion() -> None:
    with pytest.raises(ValueError, match="1 ids come more than once"):
        meta_task([*LABELS, LABELS[0]], name="n")


def test_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "meta.jsonl"
    path.write_text("".join(json.dumps(json.loads(row.model_dump_json())) + "\n" for row in LABELS), "utf-8")
    assert load_labels(path) == LABELS
