"""The running gateway as the evaluation sees it: revisions and plain answers over its public API."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from service.revision.prompts import Message

Principles = Literal["retrieved", "none", "all"]


class GatewayError(Exception):
    """The gateway could not be reached or refused a request; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway and the engine's own model behind it."""

    client: httpx.AsyncClient
    plain_model: str

    async def revise(
        self,
        messages: Sequence[Message],
        *,
        draft: str | None,
        principles: Principles,
        temperature: float,
        seed: int,
    ) -> dict[str, Any]:
        """Return the body of one revision."""
        body: dict[str, Any] = {
            "messages": list(messages),
            "temperature": temperature,
            "seed": seed,
            "options": {"principles": principles},
        }
        if draft is not None:
            body["draft"] = draft
        return await self._post("/v1/revisions", body)

    async def answers(self, messages: Sequence[Message], *, n: int, temperature: float, seed: int) -> list[str]:
        """Return ``n`` plain answers."""
        body = {
            "model": self.plain_model,
            "messages": list(messages),
            "n": n,
            "temperature": temperature,
            "seed": seed,
        }
        answer = await self._post("/v1/chat/completions", body)
        return [choice["message"]["content"] for choice in answer["choices"]]

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self.client.post(path, json=body)
        except httpx.TransportError as error:
            raise GatewayError(f"{self.client.base_url} does not answer: {error!r}") from error
        if response.status_code != 200:
            raise GatewayError(f"{path}: HTTP {response.status_code}: {response.text[:300]}")
        decoded: dict[str, Any] = response.json()
        return decoded


@asynccontextmanager
async def connect(url: str, slug: str = "preceptor", concurrent: int = 8) -> AsyncGenerator[Gateway, None]:
    """Reach a gateway and find the engine's own model. Raises ``GatewayError``."""
    limits = httpx.Limits(max_connections=concurrent)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        try:
            response = await client.get("/v1/models")
        except httpx.TransportError as error:
            raise GatewayError(f"no gateway at {url}: {error!r}; start one with 'make serve'") from error
        plain = [row["id"] for row in response.json()["data"] if row["id"] != slug]
        if not plain:
            raise GatewayError(f"{url} names no model besides {slug!r}")
        yield Gateway(client, plain[0])
