"""One model at several real HTTP engines, some of which fail: who is asked, what is told, what the caller gets."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import replace

import pytest

from models.clock import Timeouts
from models.engine import Delta, EngineRefused, EngineTimeout, EngineUnavailable
from models.pool.engine import Patience
from models.pool.health import State
from models.pool.moves import Move
from models.pool.observer import Ended, Hedge
from tests.models.pool.several import (
    Answer,
    Small,
    answers,
    chat,
    fails,
    hangs,
    is_busy,
    pooled,
    streamed,
    talks_nonsense,
    text,
)
from tests.models.scripted import Call, piece, well

LATER = ({"role": "assistant", "content": "well"}, {"role": "user", "content": "and now?"})


async def test_a_conversation_stays_at_one_engine_and_conversations_are_spread() -> None:
    async with pooled(Small(answers), Small(answers), Small(answers)) as pool:
        for number in range(30):
            first = chat(f"question {number}")
            home, _ = pool.home(first)
            before = len(home.asked)
            await pool.engine.chat(first)
            await streamed(pool.engine, chat(f"question {number}", max_tokens=1))
            assert len(home.asked) == before + 2
        assert all(len(small.asked) >= 6 for small in pool.small)
        assert (pool.told.moves, pool.told.last_resorts) == ([], 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_engine_that_dies_between_steps_is_replaced_and_its_conversation_stays_moved(stream: bool) -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        home, other = pool.home(chat())
        assert await text(pool.engine, chat(), stream=stream) == "well"
        home.dead = True
        answer = await pool.engine.chat(chat(max_tokens=5))
        assert (answer.text, answer.attempts, len(other.asked)) == ("well", 2, 1)
        assert pool.told.moves == [Move.UNREACHABLE]
        home.dead = False
        await text(pool.engine, chat(), stream=stream)
        assert (len(home.asked), len(other.asked)) == (1, 2)
        assert pool.told.moves == [Move.UNREACHABLE]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("answer", "reason"), [(fails, Move.SERVER_ERROR), (is_busy, Move.BUSY), (talks_nonsense, Move.MALFORMED)]
)
async def test_a_call_that_fails_before_its_first_byte_goes_to_the_next_engine(
    answer: Answer, reason: Move, stream: bool
) -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        home, other = pool.home(chat())
        home.answer = answer
        assert await text(pool.engine, chat(), stream=stream) == "well"
        assert (len(home.asked), len(other.asked), pool.told.moves) == (1, 1, [reason])


async def test_an_engine_that_asks_for_a_pause_gets_it() -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        request = chat()
        home, _ = pool.home(request)
        home.answer = is_busy
        await pool.engine.chat(request)
        for number in range(20):
            await pool.engine.chat(chat(f"other {number}"))
        assert len(home.asked) == 1


async def test_where_all_are_busy_the_client_is_told_so() -> None:
    async with pooled(Small(is_busy), Small(is_busy)) as pool:
        with pytest.raises(EngineUnavailable) as caught:
            await pool.engine.chat(chat())
        assert (caught.value.status, caught.value.retry_after) == (429, 7.0)
        assert [len(small.asked) for small in pool.small] == [1, 1]


async def test_one_call_is_sent_three_times_at_most() -> None:
    async with pooled(*(Small(fails) for _ in range(5))) as pool:
        with pytest.raises(EngineUnavailable, match="engine answered 500"):
            await pool.engine.chat(chat())
        assert sum(len(small.asked) for small in pool.small) == 3


@pytest.mark.parametrize("max_tokens", [1, None])
async def test_an_engine_that_hangs_before_its_first_byte_is_left_after_a_while(max_tokens: int | None) -> None:
    async with pooled(Small(answers), Small(answers), patience=Patience(first_byte_s=0.2)) as pool:
        home, _ = pool.home(chat())
        home.answer = hangs
        assert await text(pool.engine, chat(max_tokens=max_tokens), stream=max_tokens is None) == "well"
        assert (pool.told.moves, pool.replica(home).health.state) == ([Move.NO_FIRST_BYTE], State.SUSPECT)
        await asyncio.wait_for(home.server.left.wait(), 2)


async def test_a_long_answer_is_waited_for_until_the_checks_fail() -> None:
    async with pooled(Small(answers), Small(answers), patience=Patience(first_byte_s=0.05)) as pool:
        home, _ = pool.home(chat())
        home.answer = hangs
        asking = asyncio.create_task(pool.engine.chat(chat()))
        await asyncio.sleep(0.3)
        assert not asking.done()
        home.well = False
        await pool.check(3)
        assert (await asking).text == "well"
        assert pool.told.moves == [Move.DOWN]


async def test_where_nobody_else_is_left_a_slow_engine_is_waited_for() -> None:
    async def slow(_: Small, call: Call) -> None:
        await asyncio.sleep(0.4)
        await well(call)

    async with pooled(Small(slow), Small(answers), patience=Patience(first_byte_s=0.1)) as pool:
        pool.small[1].well = False
        await pool.check(3)
        asking = asyncio.create_task(pool.engine.chat(chat(max_tokens=1)))
        pool.small[0].well = False
        await pool.check(3)
        assert (await asking).text == "well"


async def test_a_stream_that_breaks_before_its_first_piece_is_begun_anew() -> None:
    async def opens_and_dies(_: Small, call: Call) -> None:
        await call.open_stream()
        call.writer.close()

    async with pooled(Small(answers), Small(answers)) as pool:
        home, _ = pool.home(chat())
        home.answer = opens_and_dies
        deltas = [replace(delta, engine="") for delta in await streamed(pool.engine, chat())]
        assert deltas == [Delta(), Delta("we", attempts=2), Delta("ll", "stop")]
        assert pool.told.moves == [Move.CUT_OFF]


async def test_a_stream_that_breaks_later_is_an_error_and_asked_for_once() -> None:
    async def begins_and_dies(_: Small, call: Call) -> None:
        await call.open_stream()
        await call.events(piece("we"))
        call.writer.close()

    async with pooled(Small(answers), Small(answers)) as pool:
        home, other = pool.home(chat())
        home.answer = begins_and_dies
        with pytest.raises(EngineUnavailable) as caught:
            await streamed(pool.engine, chat())
        assert (caught.value.type, other.asked, pool.told.moves) == ("engine_cut_off", [], [])


async def test_a_refusal_is_the_requests_own_and_moves_nowhere() -> None:
    async def refuses(_: Small, call: Call) -> None:
        await call.reply(400, {"error": {"message": "too long", "type": "BadRequestError"}})

    async with pooled(Small(refuses), Small(refuses)) as pool:
        for _ in range(10):
            with pytest.raises(EngineRefused):
                await pool.engine.chat(chat())
        assert pool.told.moves == []
        assert {ended for _, ended in pool.told.ends} == {Ended.REFUSED}


async def test_where_every_engine_is_down_nobody_is_asked() -> None:
    async with pooled(Small(answers, well=False), Small(answers, well=False)) as pool:
        await pool.check(2)
        with pytest.raises(EngineUnavailable) as caught:
            await pool.engine.chat(chat())
        assert (caught.value.status, caught.value.retry_after) == (503, 2.0)
        assert await pool.engine.ready() is False
        assert [small.asked for small in pool.small] == [[], []]
        pool.small[1].well = True
        assert await pool.engine.ready() is True
        assert (await pool.engine.chat(chat())).text == "well"


async def test_a_lone_engine_is_asked_whatever_is_thought_of_it() -> None:
    async with pooled(Small(answers, well=False)) as pool:
        await pool.check(3)
        assert (await pool.engine.chat(chat())).text == "well"


async def test_a_lone_engine_is_retried_as_ever() -> None:
    async def twice_busy(small: Small, call: Call) -> None:
        await (call.reply(503, {}) if len(small.asked) < 3 else well(call))

    async with pooled(Small(twice_busy)) as pool:
        assert (await pool.engine.chat(chat())).attempts == 3


async def test_a_stream_tells_of_every_call_that_it_took() -> None:
    async def opens_and_dies(_: Small, call: Call) -> None:
        await call.open_stream()
        call.writer.close()

    async def once_busy(small: Small, call: Call) -> None:
        await (call.reply(503, {}) if len(small.asked) == 1 else answers(small, call))

    async with pooled(Small(once_busy)) as pool:
        assert [delta.attempts for delta in await streamed(pool.engine, chat())] == [2, 2, 1]
    async with pooled(Small(answers), Small(answers)) as pool:
        home, other = pool.home(chat())
        home.answer, other.answer = opens_and_dies, once_busy
        assert max(delta.attempts for delta in await streamed(pool.engine, chat())) == 3
        assert (len(home.asked), len(other.asked)) == (1, 2)


async def test_a_breaker_opens_spares_its_engine_and_closes_after_a_good_probe() -> None:
    now = [100.0]
    async with pooled(Small(answers), Small(answers), clock=lambda: now[0]) as pool:
        home, _ = pool.home(chat("question 0"))
        home.answer = fails
        for number in range(60):
            await pool.engine.chat(chat(f"question {number}"))
        assert len(home.asked) == 5
        now[0] += 1.0
        home.answer = answers
        for number in range(60, 120):
            await pool.engine.chat(chat(f"question {number}"))
        assert pool.told.moves == [Move.SERVER_ERROR] * 5
        assert 6 <= len(home.asked) < 5 + 30  # it has its slow start, on a clock that stands still
        now[0] += 30.0
        before = len(home.asked)
        for number in range(120, 180):
            await pool.engine.chat(chat(f"question {number}"))
        assert len(home.asked) - before > 15


async def test_where_all_breakers_are_open_one_engine_is_asked_all_the_same() -> None:
    async with pooled(Small(fails), Small(fails), clock=lambda: 100.0) as pool:
        for number in range(5):
            with pytest.raises(EngineUnavailable):
                await pool.engine.chat(chat(f"question {number}"))
        with pytest.raises(EngineUnavailable):
            await pool.engine.chat(chat())
        assert pool.told.last_resorts == 1
        assert sum(len(small.asked) for small in pool.small) == 11


async def test_a_model_is_asked_for_where_it_is_listed() -> None:
    async with pooled(Small(answers), Small(answers, models=("m", "adapter"))) as pool:
        for number in range(10):
            body = b'{"model":"adapter","prompt":"%d"}' % number
            assert await (await pool.engine.forward("POST", "/v1/completions", body, {})).read()
        assert [len(small.asked) for small in pool.small] == [0, 10]
        assert [card.id for card in await pool.engine.models()] == ["m", "adapter"]


async def test_a_slow_verdict_is_asked_for_twice_where_that_is_wanted() -> None:
    async with pooled(Small(answers), Small(answers), patience=Patience(hedge_after_s=0.05)) as pool:
        home, other = pool.home(chat())
        home.answer = hangs
        answer = await pool.engine.chat(chat(max_tokens=1))
        assert (answer.text, answer.attempts, pool.told.hedges) == ("well", 2, [Hedge.WON])
        await asyncio.wait_for(home.server.left.wait(), 2)
        assert (len(other.asked), pool.told.moves) == (1, [])


async def leave(asking: Awaitable[object], small: Small) -> None:
    task = asyncio.ensure_future(asking)
    await small.chatted.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(small.server.left.wait(), 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_takes_the_call_along_and_nothing_is_held_against_the_engine(stream: bool) -> None:
    async with pooled(Small(hangs), Small(hangs)) as pool:
        home, _ = pool.home(chat())
        await leave(text(pool.engine, chat(), stream=stream), home)
        assert [ended for _, ended in pool.told.ends] == [Ended.CANCELLED]


async def test_closing_a_stream_closes_its_call() -> None:
    async def stalls(small: Small, call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await small.server.until_left(call)

    async with pooled(Small(stalls), Small(stalls)) as pool:
        async with aclosing(pool.engine.stream(chat())) as deltas:
            home, _ = pool.home(chat())
            name = next(one.name for one in pool.fleet.replicas if pool.of(one) is home)
            assert [await anext(deltas), await anext(deltas)] == [Delta(), Delta("a", engine=name)]
        await asyncio.wait_for(home.server.left.wait(), 2)


async def test_silence_in_the_middle_is_a_time_out() -> None:
    async def stalls(small: Small, call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await small.server.until_left(call)

    async with pooled(Small(stalls), Small(stalls), timeouts=Timeouts(between_tokens=0.1)) as pool:
        with pytest.raises(EngineTimeout):
            await streamed(pool.engine, chat())
        assert pool.told.moves == []


STREAM = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
WHOLE = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'


@pytest.mark.parametrize("body", [STREAM, WHOLE])
@pytest.mark.parametrize(("answer", "reason"), [(fails, Move.SERVER_ERROR), (is_busy, Move.BUSY)])
async def test_what_is_passed_through_moves_too(answer: Answer, reason: Move, body: bytes) -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        home, _ = pool.home(chat())
        home.answer = answer
        reply = await pool.engine.forward("POST", "/v1/chat/completions", body, {})
        assert reply.status == 200
        assert b"".join([part async for part in reply.pieces()])
        assert pool.told.moves == [reason]


async def test_the_last_engines_own_error_is_passed_on() -> None:
    async with pooled(Small(fails), Small(is_busy)) as pool:
        replies = [await pool.engine.forward("POST", "/v1/x", b'{"prompt":"%d"}' % n, {}) for n in range(2)]
        assert {reply.status for reply in replies} <= {429, 500}
        assert all([await reply.read() for reply in replies])


async def test_a_body_that_breaks_before_its_first_piece_is_begun_anew_and_later_not() -> None:
    async def dies_early(_: Small, call: Call) -> None:
        await call.open_stream()
        call.writer.close()

    async def dies_late(_: Small, call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await asyncio.sleep(0.1)
        call.writer.close()

    async with pooled(Small(answers), Small(answers)) as pool:
        home, other = pool.home(chat())
        home.answer = dies_early
        reply = await pool.engine.forward("POST", "/v1/chat/completions", STREAM, {})
        assert b"".join([part async for part in reply.pieces()]).endswith(b"data: [DONE]\n\n")
        assert pool.told.moves == [Move.CUT_OFF]
        other.answer = dies_late
        reply = await pool.engine.forward("POST", "/v1/chat/completions", STREAM, {})
        with pytest.raises(EngineUnavailable):
            [part async for part in reply.pieces()]
        assert len(home.asked) == 1


async def test_a_reply_that_is_given_up_frees_its_place() -> None:
    async with pooled(Small(hangs), Small(answers)) as pool:
        pool.small[0].answer = answers
        reply = await pool.engine.forward("POST", "/v1/chat/completions", STREAM, {})
        await reply.aclose()
        assert [ended for _, ended in pool.told.ends] == [Ended.CANCELLED]
