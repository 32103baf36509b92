"""Slots, the queue before them, and bodies that come slowly, over real HTTP."""

import asyncio
import socket
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually
from tests.service.api.test_ops import BODY, value

PLAIN = {**BODY, "model": ENGINE_MODEL}


def ready(serve: Serve, **settings: object) -> str:
    """A gateway that has found its engine."""
    url = serve(**settings)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    return url


def metric(url: str, name: str) -> float:
    return value(url, f"preceptor_{name}")


def queued(url: str, count: int) -> bool:
    return metric(url, "queued_requests") == count


async def test_a_full_gateway_queues_and_serves_in_order(serve: Serve, script: Script) -> None:
    script.first_token_s = 0.6
    url = ready(serve, max_in_flight=1, max_queued=3)
    done: list[int] = []

    async def ask(client: httpx.AsyncClient, number: int) -> int:
        response = await client.post(f"{url}/v1/chat/completions", json=PLAIN, headers={"x-request-id": str(number)})
        done.append(number)
        return response.status_code

    async with httpx.AsyncClient(timeout=20) as client:
        asking = []
        for number in range(4):
            asking.append(asyncio.create_task(ask(client, number)))
            await asyncio.to_thread(eventually, partial(queued, url, number))
        fifth = await client.post(f"{url}/v1/chat/completions", json=PLAIN)
        assert (fifth.status_code, fifth.headers["retry-after"]) == (429, "2")
        assert await asyncio.gather(*asking) == [200] * 4
    assert done == [0, 1, 2, 3]
    assert [headers["x-request-id"] for headers in script.headers[-4:]] == ["0", "1", "2", "3"]
    assert metric(url, "queued_requests") == metric(url, "in_flight_requests") == 0
    assert metric(url, "queue_wait_seconds_count") == 4
    assert metric(url, "queue_wait_seconds_sum") > 0.2


async def test_who_waited_too_long_is_told_to_come_again(serve: Serve, script: Script) -> None:
    script.first_token_s = 1.0
    url = ready(serve, max_in_flight=1, queue_wait_s=0.1)
    async with httpx.AsyncClient(timeout=20) as client:
        first = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=PLAIN))
        await asyncio.to_thread(eventually, lambda: script.open_calls > 0)
        second = await client.post(f"{url}/v1/chat/completions", json=PLAIN)
        assert (second.status_code, second.json()["error"]["code"]) == (429, "busy")
        assert (await first).status_code == 200
    assert (await asyncio.to_thread(httpx.post, f"{url}/v1/chat/completions", json=PLAIN)).status_code == 200


async def test_a_client_that_leaves_the_queue_makes_room_and_reaches_no_engine(serve: Serve, script: Script) -> None:
    script.first_token_s = 0.6
    url = ready(serve, max_in_flight=1, max_queued=1)
    async with httpx.AsyncClient(timeout=20) as client:
        first = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=PLAIN))
        await asyncio.to_thread(eventually, lambda: script.open_calls > 0)
        impatient = asyncio.create_task(client.post(f"{url}/v1/chat/completions", json=PLAIN))
        await asyncio.to_thread(eventually, lambda: metric(url, "queued_requests") == 1)
        impatient.cancel()
        await asyncio.to_thread(eventually, lambda: metric(url, "queued_requests") == 0)
        assert (await client.post(f"{url}/v1/chat/completions", json=PLAIN)).status_code == 200
        assert (await first).status_code == 200
    assert len(script.asked) == 2 + 2  # probes for log-probabilities and priorities, and the two that stayed
    assert value(url, "preceptor_cancelled_total", route="/v1/chat/completions") == 1


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/principles/search"])
def test_a_body_that_comes_too_slowly_is_refused_and_holds_no_slot(serve: Serve, path: str) -> None:
    url = ready(serve, max_in_flight=1, body_s=0.3)
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as slow:
        slow.sendall(f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{{".encode())
        assert httpx.post(f"{url}/v1/chat/completions", json=PLAIN).status_code == 200
        answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_too_slow"' in answer


def test_a_client_that_leaves_in_the_middle_of_its_body_is_counted(serve: Serve) -> None:
    url = ready(serve)
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as leaving:
        leaving.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
    eventually(lambda: value(url, "preceptor_cancelled_total", route="/v1/chat/completions") == 1)
    assert metric(url, "in_flight_requests") == 0
