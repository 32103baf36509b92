"""Which engine is asked, how failures are retried, and when a judge is given up: against real HTTP servers."""

import asyncio
import socket
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import ChatRequest, Engine
from tests.models.scripted import Call, Handler, Server, always, serving
from training.judges.engines import JudgeEngines, ranked, together
from training.judges.errors import JudgeUnreachable, Unanswerable
from training.trl_adapter.settings import EngineJudge

REQUEST = ChatRequest(messages=({"role": "user", "content": "x"},))


def settings(*urls: str, retries: int = 3, concurrent: int = 32, timeout_seconds: float = 20.0) -> EngineJudge:
    return EngineJudge(urls=urls, model="m", retries=retries, concurrent=concurrent, timeout_seconds=timeout_seconds)


async def text(engine: Engine) -> str:
    return (await engine.chat(REQUEST)).text


async def well(call: Call) -> None:
    await call.reply(200, {"choices": [{"message": {"content": "well"}, "finish_reason": "stop"}]})


def answering(*statuses: int) -> Handler:
    """Answer the first calls with these statuses and every further one well."""

    async def answer(call: Call) -> None:
        if call.number > len(statuses):
            await well(call)
        else:
            await call.reply(statuses[call.number - 1], {"error": {"message": "no", "type": "t"}})

    return answer


def closed_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True), st.text(max_size=8))
def test_a_key_falls_to_the_same_engine_and_loses_only_what_it_had(urls: list[str], key: str) -> None:
    order = ranked(urls, key)
    assert sorted(order) == sorted(urls)
    assert ranked(list(reversed(urls)), key) == order
    assert ranked(urls[:-1], key) == [url for url in order if url != urls[-1]]


def test_keys_spread_over_the_engines() -> None:
    fell = Counter(ranked(["a", "b", "c"], str(number))[0] for number in range(3000))
    assert all(900 < count < 1100 for count in fell.values())


async def test_trouble_of_the_engine_is_tried_again() -> None:
    async with serving(always(answering(503, 500, 429))) as server:
        engines = JudgeEngines(settings(server.url), backoff_seconds=0.01)
        assert await engines.ask("k", text) == "well"
        assert len(server.calls) == 4
        await engines.aclose()


async def test_waits_grow_between_rounds() -> None:
    async with serving(always(answering(500, 500, 500))) as server:
        engines = JudgeEngines(settings(server.url), backoff_seconds=0.1)
        started = time.perf_counter()
        await engines.ask("k", text)
        assert 0.35 <= time.perf_counter() - started < 3
        await engines.aclose()


async def test_an_engine_without_retries_left_is_unreachable_with_url_model_attempts_and_reason() -> None:
    async with serving(always(answering(*[500] * 9))) as server:
        engines = JudgeEngines(settings(server.url, retries=2), backoff_seconds=0.01)
        with pytest.raises(JudgeUnreachable) as caught:
            await engines.ask("k", text)
        assert str(caught.value) == f"judge m at {server.url}, 3 attempts: no"
        assert len(server.calls) == 3
        await engines.aclose()


async def test_an_engine_that_is_not_there_is_unreachable() -> None:
    url = closed_url()
    engines = JudgeEngines(settings(url, retries=1), backoff_seconds=0.01)
    with pytest.raises(JudgeUnreachable, match=f"judge m at {url}, 2 attempts: engine cannot be reached"):
        await engines.ask("k", text)
    await engines.aclose()


async def test_another_engine_takes_over_without_a_wait() -> None:
    async with serving(always(well)) as server:
        engines = JudgeEngines(settings(closed_url(), server.url), backoff_seconds=30.0)
        async with asyncio.timeout(10):
            assert await asyncio.gather(*(engines.ask(str(key), text) for key in range(20))) == ["well"] * 20
        await engines.aclose()


async def test_silence_beyond_the_limit_is_trouble_too() -> None:
    def silent(server: Server) -> Handler:
        return server.until_left

    async with serving(silent) as server:
        engines = JudgeEngines(settings(server.url, retries=1, timeout_seconds=0.1), backoff_seconds=0.01)
        with pytest.raises(JudgeUnreachable, match="2 attempts: engine timed out"):
            await engines.ask("k", text)
        await engines.aclose()


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_question_stays_unanswered_and_is_not_asked_again(status: int) -> None:
    async with serving(always(answering(status))) as server:
        engines = JudgeEngines(settings(server.url), backoff_seconds=0.01)
        with pytest.raises(Unanswerable):
            await engines.ask("k", text)
        assert len(server.calls) == 1
        await engines.aclose()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_of_every_question_gives_the_judge_up_at_once(status: int) -> None:
    async with serving(always(answering(status))) as server:
        engines = JudgeEngines(settings(server.url), backoff_seconds=0.01)
        with pytest.raises(JudgeUnreachable, match=f"judge m at {server.url}, 1 attempt: no"):
            await engines.ask("k", text)
        await engines.aclose()


async def test_no_more_calls_run_at_once_than_allowed() -> None:
    running, most = 0, 0

    async def slow(call: Call) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        await well(call)

    async with serving(always(slow)) as first, serving(always(slow)) as second:
        engines = JudgeEngines(settings(first.url, second.url, concurrent=3))
        await asyncio.gather(*(engines.ask(str(key), text) for key in range(24)))
        assert most == 3
        assert first.calls
        assert second.calls
        await engines.aclose()


def test_a_second_event_loop_is_refused() -> None:
    engines = JudgeEngines(settings(closed_url(), retries=0))

    async def ask() -> None:
        try:
            await engines.ask("k", text)
        finally:
            await engines.aclose()

    with pytest.raises(JudgeUnreachable):
        asyncio.run(ask())
    with pytest.raises(RuntimeError, match="one event loop"):
        asyncio.run(ask())


async def test_the_first_failure_for_good_stops_the_others() -> None:
    left = asyncio.Event()

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async def failing() -> None:
        raise JudgeUnreachable("away")

    with pytest.raises(JudgeUnreachable, match="away"):
        await together([waiting(), failing(), waiting()])
    assert left.is_set()


async def test_results_keep_their_order() -> None:
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await together([after(0.02), after(0.0), after(0.01)]) == [0.02, 0.0, 0.01]
