"""The official Python client does not ask again for what has already taken too long."""

import asyncio
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from tests.clients.asked import MESSAGES
from tests.clients.relay import relay
from tests.clients.running_gateway import running_gateway

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_a_timeout_is_not_asked_for_again(engine_url: str, engine_model: str, tmp_path: Path) -> None:
    with relay(engine_url) as between, running_gateway(between.url, tmp_path / "gateway.log") as gateway:
        async with AsyncOpenAI(base_url=gateway.base, api_key="none", max_retries=2) as client:

            async def asked(model: str) -> object:
                return await client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=4)

            await asked("preceptor")
            between.silence()
            errors = await asyncio.gather(asked("preceptor"), asked(engine_model), return_exceptions=True)
        for error in errors:
            assert isinstance(error, openai.InternalServerError)
            assert (error.status_code, error.type) == (504, "engine_timeout")
            assert error.response.headers["x-should-retry"] == "false"
        assert gateway.requests(status="504") == 2
