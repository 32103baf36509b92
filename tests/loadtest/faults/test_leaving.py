from pathlib import Path

import pytest

from loadtest.arguments import http_address
from loadtest.child import ChildFailure
from loadtest.faults.command import real
from loadtest.faults.leaving import BODY, MOMENTS, leave_everywhere
from loadtest.faults.stage import staged, staged_before
from loadtest.faults.word import VLLM
from tests.loadtest.faults.setting import START_SECONDS, impatient, real_engine


def test_every_step_of_the_loop_is_left_at() -> None:
    assert {moment.step for moment in MOMENTS} == {"draft", "rubric", "verdict", "edit", "check", "plain"}


@pytest.mark.slow
@pytest.mark.timeout(START_SECONDS)
async def test_at_whatever_step_a_client_leaves_the_engine_cuts_its_calls_off(tmp_path: Path) -> None:
    async with staged(impatient(tmp_path), 1, ("--max-in-flight", "1")) as stage:
        rows = await leave_everywhere(stage, 2, ())
    assert len(rows) == len(MOMENTS) + 2
    assert [(row.moment, len(row.seconds), row.wrong) for row in rows] == [(row.moment, 2, []) for row in rows]


@pytest.mark.engine
async def test_a_real_engine_has_nothing_to_do_once_a_client_has_left(tmp_path: Path, engine_url: str) -> None:
    engine = http_address(engine_url)
    async with staged_before(real_engine(tmp_path), engine, ("--max-in-flight", "1")) as stage:
        rows = await leave_everywhere(stage, 2, (), await real(engine))
    assert [(row.moment, len(row.seconds), row.wrong) for row in rows] == [(row.moment, 2, []) for row in rows]
    alone = [row for row in rows if row.moment == BODY or row.moment.startswith(("answer", "passed"))]
    assert len(alone) == 4
    assert all(row.calls_after == 0 for row in alone)


def test_an_engine_that_does_not_tell_is_no_idle_engine() -> None:
    with pytest.raises(ChildFailure, match="does not tell vllm:num_requests_running"):
        VLLM.read(b"vllm:num_requests_waiting 0.0\n")
    told = b'vllm:num_requests_running{engine="0"} 1.0\nvllm:num_requests_waiting{engine="0"} 2.0\n'
    assert VLLM.read(told) == 3
