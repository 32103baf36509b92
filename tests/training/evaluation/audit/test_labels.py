import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from training.data.files import FaultyRow
from training.evaluation.audit.labels import LabelsError, joined, read_labels

PROMPT = [{"role": "user", "content": "I have a headache."}]
ONE = {"id": "a", "prompt": PROMPT, "answer": "Rest.", "criterion": "Says rest", "points": 3, "met": True}


def written(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_labels_of_one_answer_and_criterion_are_one_item(tmp_path: Path) -> None:
    rows = [ONE | {"id": f"l{n}", "labelled_by": f"e{n}", "met": met} for n, met in enumerate([True, False, True])]
    other = ONE | {"id": "b", "answer": "Work.", "labelled_by": "e0", "met": False, "points": -4}
    items = read_labels(written(tmp_path / "labels.jsonl", rows[0], other, *rows[1:]))
    assert [(item.id, item.labels, item.points) for item in items] == [
        ("l0", (True, False, True), 3),
        ("b", (False,), -4),
    ]
    assert [item.groups for item in items] == [{"points": "wanted"}, {"points": "fault"}]
    assert items[0].case == items[1].case
    assert items[0].key != items[1].key


def test_physicians_labels_carry_their_category(tmp_path: Path) -> None:
    row = {
        "prompt": PROMPT,
        "prompt_id": "p",
        "completion": "Rest.",
        "completion_id": "c",
        "rubric": "Says rest",
        "category": "cluster:hedging_x",
        "binary_labels": [True, False],
        "anonymized_physician_ids": ["1", "2"],
    }
    one, other = read_labels(written(tmp_path / "meta.jsonl", row, row | {"rubric": "Says more"}))
    assert (one.labels, one.groups, one.points) == ((True, False), {"category": "cluster:hedging_x"}, None)
    assert one.id != other.id
    assert one.id.startswith("c:")


def test_files_without_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="none of the first 0 rows"):
        read_labels(written(tmp_path / "empty.jsonl"))
    with pytest.raises(LabelsError, match="kind query"):
        read_labels(written(tmp_path / "queries.jsonl", {"id": "a", "prompt": PROMPT}))
    with pytest.raises(FaultyRow, match="met"):
        read_labels(written(tmp_path / "bad.jsonl", ONE | {"labelled_by": "e", "met": "yes"}))
    twice = [ONE | {"labelled_by": "e"}, ONE | {"labelled_by": "e", "criterion": "Says more"}]
    with pytest.raises(LabelsError, match="'a' names 2 different items"):
        read_labels(written(tmp_path / "twice.jsonl", *twice))


def test_joining_nothing() -> None:
    assert joined([]) == []
