"""The gateway as a model of inspect's: one call is one revision over POST /v1/revisions, its whole record kept.

Invariant: what the gateway was asked beyond the messages is in the call's ``extra_body``, so that inspect's cache tells
two different questions apart.
"""

import asyncio
from typing import Any

import httpx
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    RetryDecision,
    messages_to_openai,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from training.evaluation.asked.waiting import retried

REVISION = "revision"
"""Key of an output's metadata that holds the gateway's record."""
_ANSWER_SECONDS = 600.0


class GatewayRefused(Exception):
    """The gateway refused one request, or failed at it; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class GatewayAPI(ModelAPI):
    """``preceptor/<slug>``; ``url`` is the gateway's own without ``/v1``, and set once the model is made.

    It is neither a ``base_url`` nor an argument, by which inspect tells tasks and cached answers apart: a gateway that
    is started again on another port is the same.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, config=config or GenerateConfig())
        self.url = ""
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Have one conversation answered and revised. Raises ``GatewayRefused`` and httpx's transport errors."""
        body: dict[str, Any] = {"messages": await messages_to_openai(input), "model": self.model_name}
        for name in ("temperature", "top_p", "seed", "max_tokens"):
            if (value := getattr(config, name)) is not None:
                body[name] = value
        body |= config.extra_body or {}
        response = await self._connected().post("/v1/revisions", json=body)
        if response.status_code != httpx.codes.OK:
            raise GatewayRefused(response.status_code, response.text[:300])
        return _output(self.model_name, response.json())

    def should_retry(self, ex: BaseException) -> RetryDecision:
        """Retry what may go otherwise the next time."""
        return retried(ex.status if isinstance(ex, GatewayRefused) else None, ex)

    def connection_key(self) -> str:
        """One pool a gateway."""
        return self.url

    async def aclose(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._client.is_closed or self._loop is not loop:
            self._loop = loop
            headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
            self._client = httpx.AsyncClient(
                base_url=self.url,
                headers=headers,
                timeout=httpx.Timeout(_ANSWER_SECONDS, connect=10.0),
                limits=httpx.Limits(max_connections=None),
            )
        return self._client


@modelapi(name="preceptor")
def preceptor() -> type[ModelAPI]:
    """Make the class known to inspect."""
    return GatewayAPI


def _output(model: str, revision: dict[str, Any]) -> ModelOutput:
    output = ModelOutput.from_content(model, revision["answer"])
    usage = revision["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    output.usage = ModelUsage(
        input_tokens=usage["prompt_tokens"] - cached,
        input_tokens_cache_read=cached,
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        reasoning_tokens=usage["completion_tokens_details"]["reasoning_tokens"],
    )
    output.metadata = {REVISION: revision}
    return output
