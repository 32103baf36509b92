import asyncio
import socket
from contextlib import aclosing

import pytest

from models.clock import Timeouts
from models.engine import Delta, EngineTimeout, EngineUnavailable
from models.vllm import VLLMEngine
from tests.models.scripted import (
    REQUEST,
    Call,
    Handler,
    HandlerMaker,
    Server,
    always,
    connected,
    piece,
    serving,
    silent,
    stalling,
    well,
)


async def collect(engine: VLLMEngine) -> list[Delta]:
    return [delta async for delta in engine.stream(REQUEST)]


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_trouble_before_the_first_byte_is_retried(status: int) -> None:
    async def twice_bad(call: Call) -> None:
        await (call.reply(status, {}) if call.number < 3 else well(call))

    async with connected(always(twice_bad)) as (engine, server):
        answer = await engine.chat(REQUEST)
    assert (answer.text, answer.attempts, len(server.calls)) == ("well", 3, 3)


async def test_a_connection_lost_before_the_first_byte_is_retried() -> None:
    async def once_lost(call: Call) -> None:
        if call.number == 1:
            call.writer.close()
        else:
            await well(call)

    async with connected(always(once_lost)) as (engine, _):
        assert (await engine.chat(REQUEST)).attempts == 2


async def test_a_stream_tells_with_its_first_sign_how_many_calls_it_took() -> None:
    async def twice_bad(call: Call) -> None:
        if call.number < 3:
            await call.reply(503, {})
            return
        await call.open_stream()
        await call.events(piece("well", "stop"), "[DONE]")
        await call.end_stream()

    async with connected(always(twice_bad)) as (engine, server):
        assert await collect(engine) == [Delta(attempts=3), Delta("well", "stop")]
    assert len(server.calls) == 3


async def test_retries_are_bounded() -> None:
    async with connected(always(lambda call: call.reply(503, {}, retry_after="0"))) as (engine, server):
        with pytest.raises(EngineUnavailable) as caught:
            await engine.chat(REQUEST)
    assert (caught.value.status, caught.value.retry_after, len(server.calls)) == (503, 0.0, 3)


async def test_an_engine_that_asks_for_a_long_pause_is_left_alone() -> None:
    async with connected(always(lambda call: call.reply(429, {}, retry_after="30"))) as (engine, server):
        with pytest.raises(EngineUnavailable) as caught:
            await engine.chat(REQUEST)
    assert (caught.value.status, caught.value.retry_after, len(server.calls)) == (429, 30.0, 1)


async def test_an_internal_error_is_not_retried() -> None:
    async with connected(always(lambda call: call.reply(500, {}))) as (engine, server):
        with pytest.raises(EngineUnavailable) as caught:
            await engine.chat(REQUEST)
    assert (caught.value.status, len(server.calls)) == (502, 1)


async def test_an_engine_that_is_away() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        engine = VLLMEngine(f"http://127.0.0.1:{taken.getsockname()[1]}", "m", retries=1)
        with pytest.raises(EngineUnavailable) as caught:
            await engine.chat(REQUEST)
        assert (caught.value.status, str(caught.value)) == (503, "engine cannot be reached")
        assert await engine.ready() is False
        await engine.aclose()


async def test_connect_timeout() -> None:
    # A listener whose queue is full leaves further connections unanswered.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        engine = VLLMEngine(f"http://127.0.0.1:{full.getsockname()[1]}", "m", timeouts=Timeouts(connect=0.1), retries=0)
        with pytest.raises(EngineTimeout) as caught:
            await engine.chat(REQUEST)
        await engine.aclose()
    assert (caught.value.phase, caught.value.status) == ("connect", 504)


def pinging(server: Server) -> Handler:
    async def answer(call: Call) -> None:
        await call.open_stream()
        for _ in range(5):
            await call.chunk(b": ping\n\n")
            await asyncio.sleep(0.05)
        await server.until_left(call)

    return answer


def endless(server: Server) -> Handler:
    async def answer(call: Call) -> None:
        await call.open_stream()
        while True:
            await call.events(piece("a"))
            await asyncio.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    ("handler", "phase", "timeouts"),
    [
        (silent, "first_token", Timeouts(first_token=0.1)),
        (pinging, "first_token", Timeouts(first_token=0.15)),
        (stalling, "between_tokens", Timeouts(between_tokens=0.1)),
        (endless, "total", Timeouts(total=0.4)),
    ],
)
async def test_stream_timeouts_close_the_call(handler: HandlerMaker, phase: str, timeouts: Timeouts) -> None:
    async with connected(handler, timeouts=timeouts) as (engine, server):
        with pytest.raises(EngineTimeout) as caught:
            await collect(engine)
        assert caught.value.phase == phase
        await asyncio.wait_for(server.left.wait(), 2)


async def test_total_timeout_of_a_whole_answer_closes_the_call() -> None:
    async with connected(silent, timeouts=Timeouts(total=0.2)) as (engine, server):
        with pytest.raises(EngineTimeout) as caught:
            await engine.chat(REQUEST)
        assert caught.value.phase == "total"
        await asyncio.wait_for(server.left.wait(), 2)


async def test_time_that_the_consumer_takes_is_no_silence() -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await asyncio.sleep(1.5)
        await call.events(piece("b", "stop"), "[DONE]")
        await call.end_stream()

    async with connected(always(stream), timeouts=Timeouts(between_tokens=1.0)) as (engine, _):
        texts = []
        async with aclosing(engine.stream(REQUEST)) as deltas:
            async for delta in deltas:
                texts.append(delta.text)
                await asyncio.sleep(1.2)
    assert texts == ["", "a", "b"]


async def test_cancelling_a_whole_answer_closes_the_call() -> None:
    async with connected(silent) as (engine, server):
        task = asyncio.create_task(engine.chat(REQUEST))
        await server.called.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)


async def test_closing_a_stream_closes_the_call() -> None:
    async with connected(stalling) as (engine, server):
        deltas = engine.stream(REQUEST)
        assert [await anext(deltas), await anext(deltas)] == [Delta(), Delta("a")]
        await deltas.aclose()
        await asyncio.wait_for(server.left.wait(), 2)


async def test_cancelling_a_stream_closes_the_call() -> None:
    async with connected(stalling) as (engine, server):
        task = asyncio.create_task(collect(engine))
        await server.called.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 2)


async def test_no_free_connection() -> None:
    async with serving(silent) as server:
        engine = VLLMEngine(server.url, "m", timeouts=Timeouts(connect=0.1, total=5.0), connections=1, retries=0)
        first = asyncio.create_task(engine.chat(REQUEST))
        await server.called.wait()
        with pytest.raises(EngineUnavailable) as caught:
            await engine.chat(REQUEST)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await engine.aclose()
    assert caught.value.type == "engine_pool_exhausted"
