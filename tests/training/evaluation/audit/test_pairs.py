import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.evaluation.audit.test_audited import row
from training.data.files import FaultyRow
from training.evaluation.audit.bias import BothOrders
from training.evaluation.audit.pairs import pairs_in, read_pairs


def test_pairs_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows: list[dict[str, Any]] = [
        {"case": "a", "first_order": "first", "second_order": "tie", "first_length": 0, "second_length": 7},
        {"case": "a", "first_order": "second"},
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    assert read_pairs(path) == [BothOrders("a", "first", "tie", (0, 7)), BothOrders("a", "second", None)]
    path.write_text(json.dumps(rows[0] | {"first_order": "A"}), encoding="utf-8")
    with pytest.raises(FaultyRow, match="first_order"):
        read_pairs(path)


def test_pairs_of_a_log_name_places() -> None:
    """A consultation that wins in both orders was preferred where it stood: first, and then second."""
    verdicts: list[dict[str, Any]] = [
        {"criterion": "accuracy", "met": True, "shown": "win", "swapped": "win"},
        {"criterion": "accuracy", "met": False, "shown": "win", "swapped": "loss"},
        {"criterion": "accuracy", "met": None, "shown": None, "swapped": "tie"},
        {"criterion": "x", "met": True},
        {"criterion": "x", "met": True, "first_order": "tie", "second_order": "second"},
    ]
    found = list(pairs_in([row(verdicts)]))
    assert found == [
        BothOrders("case", "first", "second"),
        BothOrders("case", "first", "first"),
        BothOrders("case", None, "tie"),
        BothOrders("case", "tie", "second"),
    ]
    assert [pair.consistent for pair in found] == [True, False, False, False]
