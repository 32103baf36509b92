import asyncio
from typing import Any

import httpx
import pytest

from loadtest.connection import Address
from loadtest.faults.misdeeds import Misdeed
from loadtest.faults.tap import PLAIN, Plan, tapped
from loadtest.standin.answers import ACCEPTED_QUESTION, DRAFT, MODEL
from loadtest.standin.server import Delays, listening

BODY: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": ACCEPTED_QUESTION}]}


async def call(at: Address, step: str | None, *, stream: bool = False) -> httpx.Response:
    headers = {"x-request-id": f"req-1-{step}-1"} if step else {"x-request-id": "req-1"}
    async with httpx.AsyncClient(base_url=at.url, trust_env=False, timeout=5.0) as client:
        return await client.post("/v1/chat/completions", json={**BODY, "stream": stream}, headers=headers)


@pytest.mark.parametrize("stream", [False, True])
async def test_without_a_plan_every_byte_goes_through(stream: bool) -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        direct = await call(tap.engine, "draft", stream=stream)
        through = await call(tap.address, "draft", stream=stream)
    assert direct.content == through.content
    assert direct.headers == through.headers


async def test_a_plan_meets_its_step_only_and_says_so() -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = plan = Plan("verdict", Misdeed.STATUS_500)
        assert (await call(tap.address, "draft")).status_code == 200
        assert not plan.reached.is_set()
        assert (await call(tap.address, "verdict")).status_code == 500
        assert plan.reached.is_set()


async def test_a_call_that_is_passed_through_has_no_step() -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = plan = Plan(PLAIN)
        assert DRAFT in (await call(tap.address, None)).text
        assert plan.reached.is_set()


async def test_the_engine_that_is_asked_first_is_the_sick_one() -> None:
    async with (
        listening(0, Delays()) as port,
        tapped(Address("127.0.0.1", port)) as first,
        tapped(Address("127.0.0.1", port)) as second,
    ):
        first.plan = second.plan = plan = Plan("draft", Misdeed.STATUS_500)
        said = [(await call(tap.address, "draft")).status_code for tap in (first, second, first)]
    assert said == [500, 200, 500]
    assert plan.sick is first


@pytest.mark.parametrize(
    ("misdeed", "status", "kind"),
    [
        (Misdeed.GARBAGE, 200, "application/json"),
        (Misdeed.WRONG_TYPE, 200, "text/html"),
        (Misdeed.STATUS_429, 429, "application/json"),
        (Misdeed.STATUS_429_RETRY_AFTER, 429, "application/json"),
    ],
)
async def test_misdeeds_that_are_replies(misdeed: Misdeed, status: int, kind: str) -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = Plan("draft", misdeed)
        reply = await call(tap.address, "draft")
    assert (reply.status_code, reply.headers["content-type"]) == (status, kind)
    assert ("retry-after" in reply.headers) == (misdeed is Misdeed.STATUS_429_RETRY_AFTER)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("misdeed", [Misdeed.HALF_THEN_CLOSE, Misdeed.RESET, Misdeed.NOT_HTTP])
async def test_misdeeds_that_end_the_connection(misdeed: Misdeed, stream: bool) -> None:
    async with listening(0, Delays(gap_seconds=0.01)) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = Plan("draft", misdeed)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await call(tap.address, "draft", stream=stream)


@pytest.mark.parametrize("misdeed", [Misdeed.NEVER, Misdeed.HALF_THEN_SILENCE])
async def test_misdeeds_that_are_silence(misdeed: Misdeed) -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = Plan("draft", misdeed)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await call(tap.address, "draft")


async def test_a_tap_that_refuses_is_as_a_host_without_a_server_and_comes_back_at_its_port() -> None:
    async with listening(0, Delays()) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.refuse()
        with pytest.raises(httpx.ConnectError):
            await call(tap.address, "draft")
        await tap.listen()
        assert (await call(tap.address, "draft")).status_code == 200


async def test_a_caller_that_leaves_takes_the_engines_call_along() -> None:
    async with listening(0, Delays(answer_seconds=30.0)) as port, tapped(Address("127.0.0.1", port)) as tap:
        tap.plan = plan = Plan("draft")
        asked = asyncio.ensure_future(call(tap.address, "draft"))
        await plan.reached.wait()
        async with httpx.AsyncClient(base_url=tap.engine.url, trust_env=False) as client, asyncio.timeout(10.0):
            while (await client.get("/counts")).json()["open"] == 0:
                pass
            asked.cancel()
            while (counts := (await client.get("/counts")).json())["open"]:
                pass
    assert counts == {"open": 0, "served": 0, "cut_off": 1}
