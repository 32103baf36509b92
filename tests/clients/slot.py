"""Holds the only slot of a narrow gateway with a stream that nobody reads to its end."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.clients.asked import LONG, MESSAGES
from tests.clients.running_gateway import Gateway
from tests.clients.scrape import total
from tests.service.api.serving import eventually


@contextmanager
def held_slot(gateway: Gateway, model: str, api_key: str) -> Iterator[httpx.Response]:
    """Entered once the slot is taken; it is free again when the block has been left, or the response closed."""
    body = {"model": model, "messages": MESSAGES, "stream": True, **LONG}
    headers = {"authorization": f"Bearer {api_key}"}
    eventually(lambda: in_flight(gateway) == 0)
    with (
        httpx.Client(timeout=60, trust_env=False) as client,
        client.stream("POST", f"{gateway.base}/chat/completions", json=body, headers=headers) as response,
    ):
        assert response.status_code == 200
        yield response
    eventually(lambda: in_flight(gateway) == 0)


def in_flight(gateway: Gateway) -> float:
    return total(gateway.url, "preceptor_in_flight_requests", api_key=gateway.api_key)
