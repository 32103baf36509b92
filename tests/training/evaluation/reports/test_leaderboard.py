"""The leaderboard: what shares a table, in which order, and why something stands apart."""

from pathlib import Path

from tests.training.evaluation.reports.made import FIGURES
from tests.training.evaluation.reports.parsed import Page
from tests.training.evaluation.reports.rows_made import arm, row
from training.evaluation.reports.leaderboard import boards_of, leaderboard_document, leaderboard_page
from training.evaluation.reports.reading import Run


def run(name: str, arm_name: str, score: float | None, **facts: str) -> Run:
    rows = [row(str(n), {"score": score}) for n in range(3)]
    return Run(Path(f"/runs/{name}"), {}, {"mlb": {arm_name: arm(arm_name, rows, **facts)}}, ())


def test_the_highest_stands_first_and_no_number_last() -> None:
    [board] = boards_of([run("a", "draft", 0.2), run("b", "draft", None), run("c", "guided", 0.9)], FIGURES)
    assert [(one.run, one.arm.facts.arm) for one in board.entries] == [("c", "guided"), ("a", "draft"), ("b", "draft")]
    assert (board.headline, board.apart) == ("score", None)
    assert board.entries[0].headline.n == 3


def test_other_judges_worlds_and_samples_stand_apart_and_it_says_why() -> None:
    runs = [run(name, "draft", 0.5) for name in "ab"]
    runs += [run("c", "draft", 0.9, judge="another"), run("d", "draft", 0.9, world="published", data="ids-2")]
    boards = boards_of(runs, FIGURES)
    assert [len(board.entries) for board in boards] == [2, 1, 1]
    assert [board.apart for board in boards] == [
        None,
        "Apart from the table above, since another judge scored it.",
        "Apart from the table above, since its samples are others and it is of another world.",
    ]


def test_page_and_json_hold_the_same() -> None:
    boards = boards_of([run("a", "<draft>", 0.25), run("b", "guided", 0.5)], FIGURES)
    text = Page(leaderboard_page(boards)).text
    assert "mlb, judged by exact" in text
    assert "<draft>" in text
    [board] = leaderboard_document(boards)["boards"]
    assert [(one["run"], one["headline"]["value"], one["headline"]["n"]) for one in board["entries"]] == [
        ("b", 0.5, 3),
        ("a", 0.25, 3),
    ]
    assert (board["judge"], board["data"], board["entries"][0]["tokens_mean"]) == ("exact", "ids-1", 100)
