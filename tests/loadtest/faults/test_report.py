import io

import pytest

from loadtest.faults.client import End, Got
from loadtest.faults.drain import Ending
from loadtest.faults.leaving import Leaving
from loadtest.faults.report import Results, show, told
from loadtest.faults.scenario import ASKING, Row
from loadtest.faults.stage import Left, Limits

ANSWER = Got(End.ANSWER, 0.61, 1.0, 200, "degraded", "edits_failed", answer="rest a while")
NOTHING = Left(0, 0, 0, 0, 0)


def results(row: Row) -> Results:
    return Results(Limits(), [row], [Ending("gateway_sigkill", 5)], [Leaving("rubric", [0.002, 0.2])])


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (ANSWER, "degraded edits_failed 0.6"),
        (Got(End.ERROR, 6.0, 7.0, 504, code="engine_timeout"), "504 engine_timeout 6.0"),
        (Got(End.STREAM_ERROR, 0.1, 1.0, 200, code="engine_cut_off"), "event engine_cut_off 0.1"),
        (Got(End.HUNG, 26.0, 27.0), "hung 26.0"),
    ],
)
def test_an_end_in_a_few_words(got: Got, words: str) -> None:
    assert told(got) == words


def test_a_row_tells_how_much_of_an_answer_came_and_never_what() -> None:
    row = Row("killed", "edit", 1, {asking.name: ANSWER for asking in ASKING}, NOTHING, 0.9, 1.0)
    found = results(row).as_json()
    assert found["faults"][0]["got"]["whole"]["tokens"] == 3
    assert "rest" not in str(found)
    assert found["leaving"][0]["within_target"] == 1


def test_what_must_not_be_is_told_beside_its_scenario() -> None:
    row = Row("killed", "edit", 1, {asking.name: ANSWER for asking in ASKING}, NOTHING, wrong=["left open"])
    found = results(row)
    found.endings[0].must(False, "a stream was cut before its time")
    found.sockets = {"1 engines": 2}
    out = io.StringIO()
    show(found, out)
    assert found.wrong == [
        "killed edit, 1 engines: left open",
        "gateway_sigkill: a stream was cut before its time",
        "1 engines: 2 sockets too many",
    ]
    assert all(line in out.getvalue() for line in found.wrong)
    assert "nothing was lost" not in out.getvalue()
