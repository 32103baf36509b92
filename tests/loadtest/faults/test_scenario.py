"""Some of the scenarios of ``python -m loadtest faults``, with real processes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from loadtest.faults.client import End
from loadtest.faults.misdeeds import Misdeed
from loadtest.faults.scenario import SCENARIOS, Fault, ProcessFault, Row, Scenario, play
from loadtest.faults.stage import Stage, staged
from tests.loadtest.faults.setting import START_SECONDS, impatient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(START_SECONDS), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(impatient(tmp_path_factory.mktemp("lone")), 1) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(impatient(tmp_path_factory.mktemp("three")), 3) as stage:
        yield stage


def ends(row: Row) -> dict[str, tuple[End, int | None, str, str]]:
    return {name: (got.end, got.status, got.outcome, got.code) for name, got in row.got.items()}


async def test_every_fault_has_its_steps() -> None:
    assert len(SCENARIOS) == len({one.name for one in SCENARIOS}) == 4 * 3 + 10 * 4


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ProcessFault.FROZEN, "verdicts_unscored"),
        (Misdeed.GARBAGE, "verdicts_unscored"),
        (Misdeed.HALF_THEN_CLOSE, "verdicts_unscored"),
    ],
)
async def test_a_lone_engine_that_fails_after_the_draft_costs_the_revision_only(
    lone: Stage, fault: Fault, reason: str
) -> None:
    row = await play(lone, Scenario(fault, "verdict"))
    assert row.wrong == []
    for asking in ("stream", "whole"):
        got = row.got[asking]
        assert (got.end, got.status, got.outcome, got.reason) == (End.ANSWER, 200, "degraded", reason)
    assert ends(row)["strict"] == (End.ERROR, 503, "", "verdicts_unscored")


async def test_a_lone_engine_that_dies_while_it_drafts_is_told_as_an_error_and_comes_back(lone: Stage) -> None:
    row = await play(lone, Scenario(ProcessFault.KILLED, "draft"))
    assert row.wrong == []
    assert ends(row) == {
        "stream": (End.STREAM_ERROR, 200, "", "engine_cut_off"),
        "whole": (End.ERROR, 503, "", "engine_unavailable"),
        "strict": (End.ERROR, 503, "", "engine_unavailable"),
    }
    assert row.recovered_seconds is not None


async def test_a_draft_that_falls_silent_is_an_error_within_the_gateways_patience(lone: Stage) -> None:
    row = await play(lone, Scenario(Misdeed.HALF_THEN_SILENCE, "draft"))
    assert row.wrong == []
    assert ends(row) == {
        "stream": (End.STREAM_ERROR, 200, "", "engine_timeout"),
        "whole": (End.ERROR, 504, "", "engine_timeout"),
        "strict": (End.ERROR, 504, "", "engine_timeout"),
    }


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        (ProcessFault.KILLED, "verdict"),
        (Misdeed.RESET, "draft"),
        (Misdeed.STATUS_429, "draft"),
        (Misdeed.WRONG_TYPE, "rubric"),
    ],
)
async def test_with_three_engines_nobody_notices_one_that_fails_before_its_first_byte(
    three: Stage, fault: Fault, step: str
) -> None:
    row = await play(three, Scenario(fault, step))
    assert row.wrong == []
    assert {(got.end, got.outcome) for got in row.got.values()} == {(End.ANSWER, "revised")}


async def test_with_three_engines_a_stream_that_had_begun_ends_with_one_error_and_whole_answers_move(
    three: Stage,
) -> None:
    row = await play(three, Scenario(ProcessFault.KILLED, "draft"))
    assert row.wrong == []
    assert ends(row) == {
        "stream": (End.STREAM_ERROR, 200, "", "engine_cut_off"),
        "whole": (End.ANSWER, 200, "revised", ""),
        "strict": (End.ANSWER, 200, "revised", ""),
    }
