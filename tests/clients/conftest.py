from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.clients.running_gateway import Gateway, running_gateway
from tests.service.api.serving import unused_url

API_KEY = "a-key-of-the-tests"
NARROW_BODY_BYTES = 64 * 1024


@pytest.fixture(scope="session")
def gateway(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway of every test that does not need settings of its own."""
    with running_gateway(engine_url, tmp_path_factory.mktemp("gateway") / "gateway.log") as running:
        yield running


@pytest.fixture(scope="session")
def narrow(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that asks for a key, takes small bodies and serves one request at a time, with no queue."""
    log = tmp_path_factory.mktemp("narrow") / "gateway.log"
    limits: dict[str, Any] = {
        "max_in_flight": 1,
        "max_queued": 0,
        "retry_after_s": 1,
        "max_body_bytes": NARROW_BODY_BYTES,
    }
    with running_gateway(engine_url, log, api_keys=API_KEY, **limits) as running:
        yield running


@pytest.fixture(scope="session")
def stranded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose engine is away."""
    log = tmp_path_factory.mktemp("stranded") / "gateway.log"
    with running_gateway(unused_url(), log, ready="/healthz") as running:
        yield running


@pytest.fixture
def client(gateway: Gateway) -> Iterator[OpenAI]:
    """The official client as it comes, except that it does not hide a failure by asking again."""
    with OpenAI(base_url=gateway.base, api_key="none", max_retries=0) as client:
        yield client
