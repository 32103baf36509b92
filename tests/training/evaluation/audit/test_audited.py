from typing import Any

import pytest

from tests.training.evaluation.audit.made import labelled
from training.evaluation.audit.audited import (
    SECOND,
    Audited,
    about,
    audited,
    audited_in,
    audited_in_traces,
    by_answer,
)
from training.evaluation.rows import Answered, Row


def row(
    verdicts: list[dict[str, Any]], text: str = "An answer.", trace: dict[str, Any] | None = None, **told: Any
) -> Row:
    answered = Answered(text, 0, 0, 0, 0.0, 0, trace, {})
    return Row("r", 1, "case", {"score": None}, tuple(verdicts), 1, 0, "q", answered, told)


def test_a_row_of_the_audits_own_log() -> None:
    item = labelled("a", "Says so", True, False)
    verdicts: list[dict[str, Any]] = [
        {"judge": "grader", "met": True, "probability": 0.75},
        {"judge": SECOND, "met": None, "probability": None},
    ]
    logged = row(verdicts, **about(item))
    assert audited(logged) == Audited("case", (True, False), True, 0.75, 10, 5, {"axis": "accuracy"})
    second = audited(logged, SECOND)
    assert second is not None
    assert (second.met, second.labels) == (None, (True, False))
    assert audited(row([verdicts[0]], **about(item)), SECOND) is None


def test_verdicts_of_another_benchmarks_log_find_their_labels() -> None:
    known = by_answer([labelled("a", "Says so", True), labelled("b", "Says so", False, question="other")])
    verdict = {"criterion": "Says so", "met": False, "probability": None, "points": -2.0, "axis": "accuracy"}
    found, unlabelled = audited_in(
        [row([verdict, verdict | {"criterion": "Says more"}]), row([verdict], "Else.")], known
    )
    assert found == [Audited("case", (True, False), False, None, 10, -2.0, {"axis": "accuracy"})]
    assert unlabelled == 2
    assert found[0].fault


def test_the_gateways_own_verdicts_are_of_its_draft() -> None:
    criteria = [
        {"text": "Says so", "points": 3, "before": {"met": True, "probability": 0.9}, "after": None},
        {"text": "Says so", "points": -3, "before": None, "after": None},
        {"text": "Unknown", "points": 1, "before": {"met": True, "probability": 0.9}, "after": None},
    ]
    trace = {"draft": "A draft.", "criteria": criteria}
    found, unlabelled = audited_in_traces(
        [row([], trace=trace), row([])],
        lambda answer, criterion: (True,) if (answer, criterion) == ("A draft.", "Says so") else None,
    )
    assert found == [
        Audited("case", (True,), True, 0.9, 8, 3, {}),
        Audited("case", (True,), None, None, 8, -3, {}),
    ]
    assert unlabelled == 1


@pytest.mark.parametrize(("points", "fault"), [(None, False), (3.0, False), (-3.0, True)])
def test_points_below_0_name_a_fault(points: float | None, fault: bool) -> None:
    assert Audited("c", (True,), True, None, 1, points).fault is fault
