import asyncio

import pytest

from models.clock import Timeouts
from models.engine import Delta, EngineError, EngineRefused, EngineUnavailable, ModelCard, Usage
from models.vllm import VLLMEngine
from tests.models.scripted import (
    REQUEST,
    Call,
    always,
    connected,
    piece,
    serving,
    silent,
    stalling,
    well,
)

USAGE_EVENT = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


async def collect(engine: VLLMEngine) -> list[Delta]:
    first, *deltas = [delta async for delta in engine.stream(REQUEST)]
    assert first == Delta()
    return deltas


async def test_chat() -> None:
    async with connected(always(well)) as (engine, server):
        answer = await engine.chat(REQUEST)
    assert (answer.text, answer.finish_reason, answer.usage, answer.attempts) == ("well", "stop", Usage(3, 1, 0), 1)
    call = server.calls[0]
    assert (call.method, call.path, call.headers["x-request-id"]) == ("POST", "/v1/chat/completions", "r-1")
    assert call.json() == {"model": "m", "messages": [{"role": "user", "content": "x"}]}


async def test_base_url_may_end_in_v1_and_the_key_goes_along() -> None:
    async with serving(always(well)) as server:
        engine = VLLMEngine(f"{server.url}/v1/", "m", api_key="k")
        await engine.chat(REQUEST)
        await engine.aclose()
    assert (server.calls[0].path, server.calls[0].headers["authorization"]) == ("/v1/chat/completions", "Bearer k")


async def test_stream_reuses_its_connection() -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        await call.events(piece(""), piece("we"), piece("ll", "stop"), USAGE_EVENT, "[DONE]")
        await call.end_stream()

    async with connected(always(stream)) as (engine, server):
        first, second = await collect(engine), await collect(engine)
    assert first == second == [Delta("we"), Delta("ll", "stop"), Delta(usage=Usage(3, 2, 0))]
    assert server.calls[0].json()["stream_options"] == {"include_usage": True}
    assert server.connections == 1


async def test_events_may_be_cut_anywhere_and_comments_are_dropped() -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        for part in (
            b": ping\n\nda",
            b'ta: {"choices":[{"del',
            b'ta":{"content":"caf\xc3',
            b'\xa9"},',
            b'"finish_reason"',
        ):
            await call.chunk(part)
            await asyncio.sleep(0)
        await call.chunk(b':"stop"}]}\r\n\r\ndata: [DO')
        await call.chunk(b"NE]\n\n")
        await call.end_stream()

    async with connected(always(stream)) as (engine, _):
        assert await collect(engine) == [Delta("café", "stop")]


@pytest.mark.parametrize("garbage", [b"data: {oops\n\n", b"data: []\n\n", b'data: {"choices":[{"delta":3}]}\n\n'])
async def test_garbage_in_a_stream(garbage: bytes) -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        await call.chunk(garbage)

    async with connected(always(stream)) as (engine, _):
        with pytest.raises(EngineUnavailable) as caught:
            await collect(engine)
    assert (caught.value.status, caught.value.type) == (502, "engine_malformed")


async def test_garbage_instead_of_an_answer() -> None:
    async with connected(always(lambda call: call.reply(200, b"<html>"))) as (engine, _):
        with pytest.raises(EngineUnavailable, match="malformed"):
            await engine.chat(REQUEST)


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_stream_that_ends_early(orderly: bool) -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"))
        if orderly:
            await call.end_stream()
        else:
            call.writer.close()

    async with connected(always(stream)) as (engine, server):
        with pytest.raises(EngineUnavailable) as caught:
            await collect(engine)
    assert caught.value.type == "engine_cut_off"
    assert len(server.calls) == 1


async def test_an_error_event_in_a_stream() -> None:
    async def stream(call: Call) -> None:
        await call.open_stream()
        await call.events(piece("a"), {"error": {"message": "lost", "type": "InternalServerError", "code": 500}})

    async with connected(always(stream)) as (engine, _):
        with pytest.raises(EngineUnavailable, match="engine answered 500"):
            await collect(engine)


ERROR = {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}


@pytest.mark.parametrize("value", [{"error": ERROR}, {"object": "error", **ERROR}], ids=["nested", "flat"])
@pytest.mark.parametrize("streaming", [True, False])
async def test_refusals_keep_their_error_object_and_are_not_retried(value: object, streaming: bool) -> None:
    async with connected(always(lambda call: call.reply(400, value))) as (engine, server):
        with pytest.raises(EngineRefused) as caught:
            await (collect(engine) if streaming else engine.chat(REQUEST))
    assert (caught.value.status, caught.value.body) == (400, ERROR)
    assert len(server.calls) == 1


async def test_models() -> None:
    rows = {"data": [{"id": "m", "max_model_len": 2048}]}
    async with connected(always(lambda call: call.reply(200, rows))) as (engine, server):
        assert await engine.models() == (ModelCard("m", 2048),)
    assert (server.calls[0].method, server.calls[0].path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("health", "models", "expected"),
    [
        (200, {}, True),
        (503, {"data": [{"id": "m"}]}, False),
        (404, {"data": [{"id": "m"}]}, True),
        (404, {"data": []}, False),
    ],
)
async def test_ready(health: int, models: object, expected: bool) -> None:
    async def answer(call: Call) -> None:
        await (call.reply(health, {}) if call.path == "/health" else call.reply(200, models))

    async with connected(always(answer)) as (engine, _):
        assert await engine.ready() is expected


async def test_a_silent_engine_is_not_ready() -> None:
    async with connected(silent, timeouts=Timeouts(probe=0.2)) as (engine, _):
        assert await engine.ready() is False


async def test_forward_passes_bytes_both_ways() -> None:
    async def answer(call: Call) -> None:
        await call.reply(422, b"not { json", retry_after="3", set_cookie="a=b")

    async with connected(always(answer)) as (engine, server):
        headers = {
            "Content-Type": "application/json",
            "X-Request-ID": "r",
            "Authorization": "Bearer client",
            "Host": "h",
        }
        reply = await engine.forward("POST", "/v1/completions", b"\x00any", headers)
        body = b"".join([part async for part in reply.pieces()])
    assert (reply.status, body) == (422, b"not { json")
    assert reply.headers == {"content-type": "application/json", "retry-after": "3"}
    call = server.calls[0]
    assert (call.path, call.body, call.headers["x-request-id"]) == ("/v1/completions", b"\x00any", "r")
    assert "authorization" not in call.headers


async def test_closing_a_forwarded_reply_closes_the_call() -> None:
    async with connected(stalling) as (engine, server):
        reply = await engine.forward("POST", "/v1/completions", b"{}", {})
        pieces = reply.pieces()
        assert await anext(pieces) == b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n'
        await pieces.aclose()
        await asyncio.wait_for(server.left.wait(), 2)


async def test_a_forwarded_reply_that_breaks_off() -> None:
    async def answer(call: Call) -> None:
        await call.open_stream()
        call.writer.close()

    async with connected(always(answer)) as (engine, _):
        reply = await engine.forward("POST", "/v1/completions", b"{}", {})
        with pytest.raises(EngineError, match="went away"):
            [part async for part in reply.pieces()]
