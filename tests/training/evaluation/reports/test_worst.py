"""Regressions: which, in which order, and verdicts side by side."""

from pathlib import Path

from tests.training.evaluation.reports.conftest import HOSTILE, verdict
from training.evaluation.reports.reading import read_run
from training.evaluation.reports.worst import SideBySide, regressions, side_by_side


def test_the_one_sample_that_fell_with_all_that_was_recorded_of_it(made_run: Path) -> None:
    arms = read_run(made_run).arms["healthbench"]
    [fell] = regressions(arms["draft"], arms["guided"])
    assert (fell.before.id, round(fell.fall, 6), fell.outcome) == ("case-2", 0.3, "revised")
    assert (fell.before.answered.text, fell.after.answered.text) == ("Zwei Wörter", "患者需要就医")
    assert fell.own_draft == "Another draft."
    assert [(v.criterion, v.before, v.after) for v in fell.verdicts] == [
        ("Names a red flag", True, True),
        ("Is brief", True, False),
    ]
    assert fell.criteria[0]["text"] == "Names a red flag"
    assert fell.edits[0]["text"][:8] == HOSTILE[:8]


def test_the_largest_falls_come_first_and_no_more_than_asked_for(made_run: Path) -> None:
    arms = read_run(made_run).arms["healthbench"]
    risen = regressions(arms["guided"], arms["draft"])
    assert [(one.before.id, round(one.fall, 6)) for one in risen] == [("case-4", 0.5), ("case-0", 0.2)]
    assert [one.before.id for one in regressions(arms["guided"], arms["draft"], most=1)] == ["case-4"]
    assert risen[0].outcome is None
    assert regressions(arms["draft"], arms["draft"]) == []


def test_verdicts_are_joined_by_text_in_their_order() -> None:
    before = [verdict("same", 1, True), verdict("same", 2, False), verdict("gone", 3, None)]
    after = [verdict("new", 4, True), verdict("same", 1, None), verdict("same", 2, True)]
    assert side_by_side(before, after) == (
        SideBySide("same", 1, True, None, True, True, "since None"),
        SideBySide("same", 2, False, True, True, True, "since True"),
        SideBySide("gone", 3, None, None, True, False, ""),
        SideBySide("new", 4, None, True, False, True, "since True"),
    )
