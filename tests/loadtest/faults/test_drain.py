from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.faults.drain import sigkill, sigterm
from loadtest.faults.stage import Limits, Setting
from service.settings import SLOTS_PER_ENGINE
from tests.loadtest.faults.setting import START_SECONDS, impatient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(START_SECONDS)]

PATIENT = Limits(engine_silence_s=20.0, engine_begin_s=20.0, engine_answer_s=30.0, deadline_s=30.0, drain_s=4)
# An answer of 17 pieces takes about 5 seconds.
SLOW = ("--token-gap-ms", "300", "--answer-delay-ms", "100")

# More than a gateway takes in for one engine by itself.
STREAMS = 60


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return replace(impatient(tmp_path), limits=PATIENT, engine_flags=SLOW)


async def test_streams_that_fit_the_drain_end_whole_and_the_rest_with_one_error(setting: Setting) -> None:
    assert SLOTS_PER_ENGINE < STREAMS
    ending = await sigterm(setting, STREAMS, apart_seconds=3.0)
    assert ending.wrong == []
    assert ending.ends.total() == STREAMS
    assert (ending.ends["answer"] >= STREAMS // 2, ending.ends["stream_error"] >= 1) == (True, True)


async def test_a_gateway_that_is_killed_takes_its_work_along_and_another_takes_its_place(setting: Setting) -> None:
    ending = await sigkill(setting, STREAMS)
    assert ending.wrong == []
    assert ending.ends == {"cut": STREAMS}
