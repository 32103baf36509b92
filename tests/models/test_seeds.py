"""A request with a seed must not end the engine, whatever else waits: vLLM on the CPU did, for prompts in pieces."""

import asyncio
import random

import httpx
import pytest

WORDS = ("headache", "fever", "rest", "doctor", "cough", "pain")


@pytest.mark.engine
async def test_many_long_prompts_with_seeds_leave_the_engine_alive(engine_url: str, engine_model: str) -> None:
    async with httpx.AsyncClient(base_url=engine_url, timeout=300) as client:

        async def asked(seed: int) -> int:
            words = random.Random(seed).choices(WORDS, k=600)
            body = {"model": engine_model, "prompt": " ".join(words), "max_tokens": 4, "seed": seed, "temperature": 0.8}
            return (await client.post("/v1/completions", json=body)).status_code

        # Twelve prompts of some 600 tokens are several times what one step of the engine takes in.
        assert await asyncio.gather(*(asked(seed) for seed in range(12))) == [200] * 12
        assert (await client.get("/health")).status_code == 200
