"""A real loopback engine that answers mutated bytes cut anywhere, through the gateway to its client.

Longer: ENGINE_FUZZ_CASES=20000 python -m pytest -m slow --timeout 3600 tests/service/api/test_engine_fuzz.py
"""

import os
import random
import re
from collections.abc import Iterator

import httpx
import orjson
import pytest

from principles.retrieve import Retriever
from service.app import create_app
from service.settings import Settings
from tests.service.api.mutations import STEPS, Mutations, mutating_app
from tests.service.api.scripted_engine import ENGINE_MODEL
from tests.service.api.serving import eventually, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("ENGINE_FUZZ_CASES", "150"))
QUESTION = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]
END = b"data: [DONE]\n\n"
NAMED = {400, 404, 418, 429, 502, 503, 504}
"""Refusals of the engine's own, and its failures in our words; 500 would be a fault of ours."""


@pytest.fixture(scope="module")
def gateway(retriever: Retriever) -> Iterator[tuple[Mutations, str]]:
    mutations = Mutations()
    with served(mutating_app(mutations)) as engine:
        settings = Settings(engine_url=engine, open_after_s=1.0, heartbeat_s=0.2, health_interval_s=0.1)
        with served(create_app(settings, retriever=retriever), lifespan="on") as url:
            eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200, 60)
            yield mutations, url


def settle(mutations: Mutations, seed: int) -> None:
    """Begin the next case."""
    rng = random.Random(seed)
    mutations.seed, mutations.sent = seed, {}
    mutations.broken = frozenset(rng.sample(STEPS, rng.randint(1, len(STEPS))))


def is_error(response: httpx.Response) -> None:
    assert response.status_code in NAMED, response.text
    error = response.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert error["type"]


def is_well_formed(body: bytes, ending: bytes = END) -> None:
    """Events and comments only, each event whole; one error at most, and nothing after it but the end."""
    assert body.endswith(ending), body[-300:]
    blocks = body.removesuffix(ending).split(b"\n\n")
    assert blocks.pop() == b""
    values = []
    for block in blocks:
        lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
        if lines:
            assert re.fullmatch(rb"(event: \w+\n)?data: [^\r\n]+", b"\n".join(lines)), block
            values.append(orjson.loads(lines[-1].removeprefix(b"data: ")))
    errors = [place for place, value in enumerate(values) if "error" in value]
    assert errors in ([], [len(values) - 1]), values


def test_a_guided_stream_is_well_formed_whatever_the_engine_sends(gateway: tuple[Mutations, str]) -> None:
    mutations, url = gateway
    streams = 0
    with httpx.Client(base_url=url, timeout=60) as client:
        for seed in range(CASES):
            settle(mutations, seed)
            if seed % 3:
                own = {"stages": seed % 2 == 0, "trace": True}
                body = {"model": "preceptor", "messages": QUESTION, "stream": True, "preceptor": own}
                response = client.post("/v1/chat/completions", json=body)
            else:
                response = client.post("/v1/revisions", json={"messages": QUESTION, "stream": True})
            if response.status_code == 200:
                streams += 1
                is_well_formed(response.content)
            else:
                is_error(response)
    assert streams > CASES // 4


def test_a_guided_answer_is_whole_or_a_named_error(gateway: tuple[Mutations, str]) -> None:
    mutations, url = gateway
    answers = 0
    with httpx.Client(base_url=url, timeout=60) as client:
        for seed in range(CASES, 2 * CASES):
            settle(mutations, seed)
            response = client.post("/v1/chat/completions", json={"model": "preceptor", "messages": QUESTION})
            if response.status_code == 200:
                answers += 1
                assert isinstance(response.json()["choices"][0]["message"]["content"], str)
            else:
                is_error(response)
    assert answers > CASES // 4


def test_what_is_passed_through_is_the_engines_bytes_and_then_at_most_one_error(gateway: tuple[Mutations, str]) -> None:
    """What the engine writes under its own name is its own; what breaks off is told after a whole event."""
    mutations, url = gateway
    body = {"model": ENGINE_MODEL, "messages": QUESTION, "stream": True}
    with httpx.Client(base_url=url, timeout=60) as client:
        for seed in range(2 * CASES, 3 * CASES):
            settle(mutations, seed)
            mutations.broken = frozenset(["draft"])
            response = client.post("/v1/chat/completions", json=body)
            if response.status_code == 200 and response.content != mutations.sent["draft"]:
                error = response.content.rindex(b'data: {"error"')
                assert mutations.sent["draft"].startswith(response.content[:error])
                is_well_formed(response.content[error:])
            elif response.status_code >= 400:
                assert set(response.json()) == {"error"}, response.text
