"""Limits by client and fair turns, over real HTTP against the scripted engine."""

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.keys import new_key
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually
from tests.service.api.test_ops import BODY

PLAIN = {**BODY, "model": ENGINE_MODEL}
Headers = dict[str, str]


def add_key(file: Path, client: str, **limits: object) -> Headers:
    """Put a new key into the file; return the headers that present it."""
    key, line = new_key(client, ["chat", "metrics"], limits=limits)
    with file.open("a") as lines:
        lines.write(line + "\n")
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


def ready(serve: Serve, keys: Path, **settings: object) -> str:
    url = serve(key_file=keys, **settings)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    return url


def metric(url: str, headers: Headers, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics", headers=headers).text)
    found = {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}
    return float(found.get((f"preceptor_{name}", frozenset(labels.items())), 0.0))


def ask(url: str, headers: Headers, body: Mapping[str, object] = PLAIN) -> httpx.Response:
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=20)


def test_a_client_in_debt_is_told_exactly_when_to_come_again(serve: Serve, keys: Path) -> None:
    mine, second = add_key(keys, "ward", tokens_per_minute=60), add_key(keys, "ward")
    other = add_key(keys, "lab")
    url = ready(serve, keys)
    first = ask(url, mine)
    assert first.status_code == 200
    assert (first.headers["x-ratelimit-limit-tokens"], first.headers["x-ratelimit-remaining-tokens"]) == ("60", "0")
    assert "x-ratelimit-limit-requests" not in first.headers
    # The scripted engine counts 100 prompt tokens and 10 of the answer: 50 are owed, at one a second.
    for headers in (mine, second):
        refused = ask(url, headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert refused.headers["retry-after"] in ("49", "50")
        assert 48_000 < int(refused.headers["retry-after-ms"]) <= 50_000
        assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
        assert refused.headers["x-ratelimit-reset-tokens"].startswith("1m4")
    unlimited = ask(url, other)
    assert unlimited.status_code == 200
    assert not [name for name in unlimited.headers if name.startswith("x-ratelimit")]
    assert metric(url, mine, "refused_total", reason="rate_limit_exceeded") == 2
    assert metric(url, mine, "clients_limited", limit="tokens_per_minute") == 1
    assert metric(url, mine, "charged_tokens_total", source="reported") == 220


def test_every_step_of_a_guided_answer_is_charged(serve: Serve, keys: Path, script: Script) -> None:
    mine = add_key(keys, "ward", tokens_per_minute=100_000)
    url = ready(serve, keys)
    usage = ask(url, mine, BODY).json()["usage"]
    cost = usage["total_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
    assert script.steps().count("draft") == 1
    assert cost > 150
    assert metric(url, mine, "charged_tokens_total", source="reported") == cost
    again = ask(url, mine, BODY)
    left = int(again.headers["x-ratelimit-remaining-tokens"])
    assert 100_000 - 2 * cost <= left < 100_000  # what this very answer cost is off already


@pytest.mark.parametrize(("options", "source"), [({}, "estimated"), ({"include_usage": True}, "reported")])
def test_a_stream_is_charged_as_the_engine_counts_it_or_else_by_estimate(
    serve: Serve, keys: Path, options: dict[str, object], source: str
) -> None:
    mine = add_key(keys, "ward", tokens_per_minute=10_000)
    url = ready(serve, keys)
    answer = ask(url, mine, {**PLAIN, "stream": True, "stream_options": options})
    assert answer.status_code == 200
    # The engine counts 100 and 10; else it is a token for 4 bytes of the body, and one for each of eleven events.
    cost = 110 if options else -(-len(answer.request.content) // 4) + 11
    assert metric(url, mine, "charged_tokens_total", source=source) == cost


async def test_who_leaves_before_the_engine_counts_pays_an_estimate(serve: Serve, keys: Path, script: Script) -> None:
    mine = add_key(keys, "ward", tokens_per_minute=10_000)
    url = ready(serve, keys)
    script.held = "draft"
    async with httpx.AsyncClient(timeout=20) as client:
        leaving = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=PLAIN, headers=mine))
        await asyncio.to_thread(eventually, lambda: script.open_calls > 0)
        leaving.cancel()
    await asyncio.to_thread(eventually, lambda: metric(url, mine, "charged_tokens_total", source="estimated") == 21)


def test_what_the_engine_refuses_costs_nothing(serve: Serve, keys: Path, script: Script) -> None:
    mine = add_key(keys, "ward", tokens_per_minute=10)
    url = ready(serve, keys)
    script.refusal = (400, {"error": {"message": "no", "type": "BadRequestError", "param": None, "code": 400}})
    assert [ask(url, mine).status_code for _ in range(3)] == [400] * 3
    assert [metric(url, mine, "charged_tokens_total", source=s) for s in ("reported", "estimated")] == [0, 0]


async def test_a_client_at_its_own_bound_waits_and_others_pass(serve: Serve, keys: Path, script: Script) -> None:
    mine, other = add_key(keys, "ward", max_in_flight=1), add_key(keys, "lab")
    url = ready(serve, keys, max_in_flight=8, max_queued=8, queue_wait_s=1.0)
    script.first_token_s = 2.0
    async with httpx.AsyncClient(timeout=20) as client:

        async def send(headers: Headers) -> httpx.Response:
            return await client.post(f"{url}/v1/chat/completions", json=PLAIN, headers=headers)

        first = asyncio.create_task(send(mine))
        await asyncio.to_thread(eventually, lambda: script.open_calls == 1)
        second, third = asyncio.create_task(send(mine)), asyncio.create_task(send(other))
        await asyncio.to_thread(eventually, lambda: script.open_calls == 2)
        held_back = partial(metric, url, mine, "clients_limited", limit="max_in_flight")
        await asyncio.to_thread(eventually, lambda: held_back() == 1)
        waiting = [await asyncio.to_thread(metric, url, mine, f"{n}_requests") for n in ("held_back", "queued")]
        assert waiting == [1, 0]
        refused = await second
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "concurrency_limit_exceeded")
        assert refused.headers["retry-after"] == "2"
        served = await first
        assert (served.status_code, served.headers["x-ratelimit-limit-requests"]) == (200, "1")
        assert served.headers["x-ratelimit-remaining-requests"] == "0"
        assert (await third).status_code == 200


async def test_a_flood_neither_fills_the_queue_nor_delays_another_clients_request(
    serve: Serve, keys: Path, script: Script
) -> None:
    flood, calm = add_key(keys, "flood"), add_key(keys, "calm")
    url = ready(serve, keys, max_in_flight=2, max_queued=8, queue_wait_s=30)
    script.headers.clear()
    script.first_token_s = 1.0
    async with httpx.AsyncClient(timeout=60) as client:

        async def send(headers: Headers, name: str) -> int:
            named = {**headers, "x-request-id": name}
            answer = await client.post(f"{url}/v1/chat/completions", json=PLAIN, headers=named)
            return answer.status_code

        flooding = [asyncio.create_task(send(flood, f"flood-{number}")) for number in range(10)]
        await asyncio.to_thread(eventually, lambda: metric(url, flood, "queued_requests") == 8)
        script.first_token_s = 0.05
        assert await send(calm, "calm") == 200
        assert sorted(await asyncio.gather(*flooding)) == [200] * 9 + [429]
    assert metric(url, flood, "displaced_total") == 1
    # Two were at work, and eight waited. The next slot is the calm client's; two may have passed while it was sending.
    order = [headers["x-request-id"] for headers in script.headers]
    assert (len(order), order.index("calm") <= 4) == (10, True)
    assert metric(url, flood, "in_flight_requests") == metric(url, flood, "queued_requests") == 0


def test_a_reload_takes_new_limits_over_and_keeps_what_is_owed(serve: Serve, keys: Path) -> None:
    mine = add_key(keys, "ward", tokens_per_minute=60)
    url = ready(serve, keys)
    ask(url, mine)
    assert int(ask(url, mine).headers["retry-after"]) >= 49
    raised = keys.read_text().replace('"tokens_per_minute":60', '"tokens_per_minute":600')
    fresh = keys.with_suffix(".new")
    fresh.write_text(raised)
    os.replace(fresh, keys)  # noqa: PTH105 - as a mounted Secret is exchanged
    eventually(lambda: ask(url, mine).headers.get("x-ratelimit-limit-tokens") == "600")
    told = ask(url, mine)
    assert told.status_code == 200 or 1 <= int(told.headers["retry-after"]) <= 5


def test_a_client_with_a_key_cannot_go_before_all_others(serve: Serve, keys: Path, script: Script) -> None:
    mine = add_key(keys, "ward")
    url = ready(serve, keys)
    for body in (BODY, PLAIN):
        refused = ask(url, mine, {**body, "priority": -1})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "priority")
        assert ask(url, mine, {**body, "priority": 5}).status_code == 200
    priorities = {step: body.get("priority") for step, body in zip(script.steps(), script.asked, strict=True)}
    assert (priorities["draft"], priorities["rubric"]) == (5, 5)


@pytest.mark.parametrize(("settings", "finishing"), [({}, -1), ({"engine_priorities": False}, None)])
def test_finishing_steps_go_first_where_the_engine_takes_it(
    serve: Serve, script: Script, settings: dict[str, object], finishing: int | None
) -> None:
    url = serve(**settings)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    script.asked.clear()
    assert ask(url, {}, BODY).status_code == 200
    priorities = {step: body.get("priority") for step, body in zip(script.steps(), script.asked, strict=True)}
    assert priorities == {
        "draft": None, "rubric": None, "verdict": finishing, "edit": finishing, "check": finishing,
    }  # fmt: skip
    assert metric(url, {}, "engine_priorities") == (finishing is not None)
    script.asked.clear()
    assert ask(url, {}, {**BODY, "priority": 7}).status_code == 200
    own = {step: body.get("priority") for step, body in zip(script.steps(), script.asked, strict=True)}
    assert own == dict.fromkeys(("draft", "rubric"), 7) | dict.fromkeys(
        ("verdict", "edit", "check"), 7 if finishing is None else 6
    )
