"""POST /v1/completions and /v1/embeddings: the engine's own resources, handed through.

Invariant: they are had under the engine's model name only, since there is no answer in them that could be guided.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from service.api.body import parse_object
from service.api.bypass import Bypass
from service.api.chat_types import ModelName, Open
from service.api.fields import refuse_to_go_first
from service.api.openapi import described
from service.api.passthrough import pass_through
from service.gateway import Gateway, GatewayOf
from service.observe import record_of

router = APIRouter(prefix="/v1")


class TextRequest(Open):
    """The parts of a text completion request that are told here; the engine checks them, and knows more."""

    model: ModelName
    prompt: str | list[Any] | None = None
    stream: bool | None = None


class EmbeddingRequest(Open):
    """The parts of an embedding request that are told here; the engine checks them, and knows more."""

    model: ModelName
    input: str | list[Any] = Field(description="a text, several, or their tokens")


class TextChoice(Open):
    """One continuation."""

    index: int
    text: str


class TextCompletion(Open):
    """A text completion, as the engine gives it."""

    choices: list[TextChoice]


class Embedding(Open):
    """The vector of one text, as numbers or in base64."""

    index: int
    embedding: list[float] | str


class Embeddings(Open):
    """Embeddings, as the engine gives them."""

    data: list[Embedding]


@router.post("/completions", **described(TextRequest, TextCompletion, streams=True))
async def complete_text(request: Request, gateway: GatewayOf) -> Response:
    """Continue a text; load generators ask for it."""
    return await _handed_on(request, gateway)


@router.post("/embeddings", **described(EmbeddingRequest, Embeddings))
async def embed(request: Request, gateway: GatewayOf) -> Response:
    """Embed texts, where the engine's model does that."""
    return await _handed_on(request, gateway)


async def _handed_on(request: Request, gateway: Gateway) -> Response:
    raw = await request.body()
    body = parse_object(raw)
    refuse_to_go_first(body, record_of(request).client)
    return await pass_through(request, gateway, raw, body, Bypass.ENGINE_MODEL)
