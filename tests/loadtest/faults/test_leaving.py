from pathlib import Path

import pytest

from loadtest.faults.leaving import MOMENTS, leave_everywhere
from loadtest.faults.stage import staged
from tests.loadtest.faults.setting import START_SECONDS, impatient


def test_every_step_of_the_loop_is_left_at() -> None:
    assert {moment.step for moment in MOMENTS} == {"draft", "rubric", "verdict", "edit", "check", "plain"}


@pytest.mark.slow
@pytest.mark.timeout(START_SECONDS)
async def test_at_whatever_step_a_client_leaves_the_engine_cuts_its_calls_off(tmp_path: Path) -> None:
    async with staged(impatient(tmp_path), 1, ("--max-in-flight", "1")) as stage:
        rows = await leave_everywhere(stage, 2, ())
    assert len(rows) == len(MOMENTS) + 2
    assert [(row.moment, len(row.seconds), row.wrong) for row in rows] == [(row.moment, 2, []) for row in rows]
