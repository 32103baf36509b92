"""Rows and arms without logs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluation.reports.facts import Facts
from training.evaluation.reports.reading import Arm
from training.evaluation.rows import Answered, Row


def row(id_: str, values: Mapping[str, float | None], **other: Any) -> Row:
    answered = Answered(
        other.pop("text", "An answer."), other.pop("tokens", 100), 0, 0, other.pop("seconds", 1.0), 1, None, {}
    )
    made: dict[str, Any] = {
        "id": id_,
        "epoch": 1,
        "cluster": id_,
        "values": values,
        "verdicts": (),
        "asked": 1,
        "unscored": 0,
        "question": "A question?",
        "answered": answered,
        "metadata": {},
    }
    return Row(**(made | other))


def arm(name: str, rows: Sequence[Row], **other: Any) -> Arm:
    made: dict[str, Any] = {
        "log": Path(f"{name}.eval"),
        "benchmark": "mlb",
        "arm": name,
        "target": "toy",
        "judge": "exact",
        "world": "miniclinic",
        "notes": (),
        "status": "success",
        "problem": None,
        "created": "2026-01-01T00:00:00+00:00",
        "completed": "",
        "planned": len(rows),
        "data": "ids-1",
        "versions": {},
        "revision": None,
        "used": (),
    }
    return Arm(Facts(**(made | other)), tuple(rows), ())
