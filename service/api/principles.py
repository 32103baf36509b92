"""The principles as a resource: listed, read, and searched as the loop searches them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Self, get_args

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field, JsonValue, model_validator

from principles.schema import Dimension, Principle
from service.api.answer_types import PrincipleList, PrincipleRow, SearchResult
from service.api.body import read_body
from service.api.chat_types import Closed, Message, UpTo50
from service.api.openapi import described, read
from service.api.trace_view import principle_view, scenario_view
from service.errors import NotFound
from service.gateway import GatewayOf

router = APIRouter(prefix="/v1/principles")


_READ_ONE = "read_principle"
_ONE = {"operationId": _READ_ONE, "parameters": {"principle_id": "$response.body#/data/0/id"}}
_EITHER: list[JsonValue] = [
    {"required": ["query"], "properties": {"query": {"type": "string"}}},
    {"required": ["messages"], "properties": {"messages": {"type": "array"}}},
]


class Search(Closed):
    """A question, or a conversation, and how many principles are wanted."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _EITHER})

    query: str | None = Field(default=None, min_length=1, max_length=20_000, description="a question")
    messages: list[Message] | None = Field(default=None, min_length=1, description="or a conversation")
    top_k: UpTo50 = Field(default=8, description="how many are wanted")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.query is None) == (self.messages is None):
            raise ValueError("give either query or messages")
        return self

    def conversation(self) -> Sequence[dict[str, Any]]:
        """The conversation to search for."""
        if self.messages is None:
            return [{"role": "user", "content": self.query}]
        return [message.model_dump() for message in self.messages]


@router.get("", **read(PrincipleList, links={"one": _ONE}))
async def list_principles(
    gateway: GatewayOf,
    dimension: Dimension | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Principles in corpus order, a page at a time."""
    found = [p for p in gateway.corpus.principles if dimension in (None, p.dimension)]
    page = found[offset : offset + limit]
    return {
        "object": "list",
        "data": [_whole(principle) for principle in page],
        "total": len(found),
        "has_more": offset + len(page) < len(found),
        "corpus": gateway.corpus.sha8,
        "dimensions": list(get_args(Dimension)),
    }


@router.post("/search", **described(Search, SearchResult, links={"one": _ONE}))
async def search_principles(request: Request, gateway: GatewayOf) -> dict[str, Any]:
    """The principles nearest to a question among those that its scenario admits."""
    wanted = await read_body(request, Search)
    found = await asyncio.to_thread(gateway.retriever.retrieve, wanted.conversation(), wanted.top_k)
    return {
        "object": "list",
        "corpus": gateway.corpus.sha8,
        "scenario": scenario_view(found.scenario.model_dump(), found.confidence),
        "data": [principle_view(hit.principle.id, hit.similarity, gateway.corpus) for hit in found.hits],
        "timings_ms": {"embed": round(found.embed_ms, 3), "search": round(found.search_ms, 3)},
    }


@router.get("/{principle_id}", operation_id=_READ_ONE, **read(PrincipleRow))
async def read_principle(principle_id: str, gateway: GatewayOf) -> dict[str, Any]:
    """One principle."""
    try:
        return _whole(gateway.corpus.by_id(principle_id))
    except KeyError as error:
        raise NotFound("there is no principle of that id", param="principle_id") from error


def _whole(principle: Principle) -> dict[str, Any]:
    return {"object": "principle", **principle.model_dump(mode="json")}
