from collections.abc import Sequence

import pytest

from loadtest.client import CallFailure
from loadtest.connection import Address
from loadtest.run.drive import Target, drive, known_target
from loadtest.run.plan import plan
from loadtest.run.row import End, Row
from loadtest.standin.answers import MODEL
from loadtest.standin.server import Delays, listening
from tests.loadtest.run.rows import QUESTIONS, profile
from tests.loadtest.standin import Script, standing_in

STAGES = [{"name": "one", "seconds": 0.2, "arrivals": {"type": "constant"}}]


async def rows(port: int, answer_seconds: float) -> tuple[list[Row], list[float], int]:
    wanted = profile(rate=50.0, stages=STAGES, mix=[{"kind": "passthrough"}, {"kind": "passthrough", "stream": False}])
    found: list[Row] = []
    gaps: list[float] = []
    sent = 0

    def count() -> None:
        nonlocal sent
        sent += 1

    def told(row: Row, gaps_ms: Sequence[float]) -> None:
        found.append(row)
        gaps.extend(gaps_ms)

    target = Target("engine", Address("127.0.0.1", port), None, MODEL, "key")
    await drive(wanted, plan(wanted, 1, QUESTIONS), [target], count, told)
    return sorted(found, key=lambda row: row.number), gaps, sent


async def test_every_planned_request_gives_one_row_and_latency_counts_from_when_it_was_due() -> None:
    async with listening(0, Delays(answer_seconds=0.3)) as port:
        found, gaps, sent = await rows(port, 0.3)
    assert ([row.number for row in found], sent) == (list(range(10)), 10)
    assert {row.end for row in found} == {End.OK}
    assert len(gaps) == 15 * sum(row.stream for row in found)
    for row in found:
        assert row.send_lag >= 0
        assert row.e2e >= row.send_lag + (0 if row.stream else 0.3)
        assert row.scheduled == row.number / 50
        assert Row.of_json(row.as_json()).as_json() == row.as_json()


async def test_a_target_that_goes_away_is_an_end_and_no_failure_of_the_run() -> None:
    async with listening(0, Delays()) as port:
        pass
    found, _, _ = await rows(port, 0.0)
    assert [row.end for row in found] == [End.UNREACHABLE] * 10


async def test_a_target_is_asked_for_its_models() -> None:
    with standing_in(Script()) as url:
        target = await known_target("gateway", url, "key")
    assert (target.guided_model, target.plain_model) == ("preceptor", "engine/model")
    async with listening(0, Delays()) as port:
        engine = await known_target("engine", f"http://127.0.0.1:{port}", "key")
    assert (engine.guided_model, engine.plain_model) == (None, MODEL)


@pytest.mark.parametrize("models", [("preceptor",), ()])
async def test_a_gateway_without_an_engine_is_a_failure(models: tuple[str, ...]) -> None:
    with standing_in(Script(), models) as url, pytest.raises(CallFailure, match="lists no model"):
        await known_target("gateway", url, "key")


async def test_nobody_there_is_a_failure() -> None:
    async with listening(0, Delays()) as port:
        pass
    with pytest.raises(CallFailure, match="ConnectError"):
        await known_target("gateway", f"http://127.0.0.1:{port}", "key")
