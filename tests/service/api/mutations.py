"""An engine's answers, broken by a seed: bytes changed, cut and doubled, sent in pieces cut anywhere."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.service.api.scripted_engine import ENGINE_MODEL, Script, step_of, streamed, whole

SPLICES = (b"\n\n", b"\r\n\r\n", b"data:", b"data: [DONE]\n\n", b"event: x\n", b": ping\n\n",
           b"id: 1\nretry: 5\n", b"\x00",
           b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"}", b'"', b"[" * 2000, b"null", b"1e999",
           b'{"error":{"message":"no"}}',
           b'data: {"error":{"message":"no","code":500}}\n\n', b'data: {"choices":[]}\n\n', b"data: 5\n\n",
           b'data: {"choices":[{"delta":{"content":5}}]}\n\n', b'"content":["x"]', b"\\ud800", b"<html>")  # fmt: skip
STEPS = ("draft", "rubric", "verdict", "check", "edit")


def mutated(whole_body: bytes, rng: random.Random) -> bytes:
    """The body with one to three changes; now and then a whole one."""
    found = whole_body
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(found) + 1)
        end = min(len(found), at + rng.choice((1, 2, 10, 60)))
        match rng.randrange(5):
            case 0:
                found = found[:at] + rng.choice(SPLICES) + found[at:]
            case 1:
                found = found[:at] + found[end:]
            case 2:
                found = found[:end] + found[at:]
            case 3:
                found = found[:at] + bytes(rng.randrange(256) for _ in range(end - at)) + found[end:]
            case 4:
                found = found[:at]
    return found


@dataclass
class Mutations:
    """What the engine does next, and what it sent last as a stream."""

    seed: int = 0
    broken: frozenset[str] = frozenset()
    sent: dict[str, bytes] = field(default_factory=dict)


def mutating_app(mutations: Mutations) -> Starlette:
    """The scripted engine, whose answers at the steps ``broken`` are mutated."""

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": ENGINE_MODEL, "object": "model"}]})

    async def health(_: Request) -> Response:
        return Response()

    async def chat(request: Request) -> Response:
        body = orjson.loads(await request.body())
        step, script = step_of(body), Script()
        rng = random.Random(f"{mutations.seed}:{step}")
        if body.get("stream"):
            content = b"".join([piece async for piece in streamed(script, body)])
            kind = "text/event-stream"
        else:
            content, kind = orjson.dumps(await whole(script, body, request)), "application/json"
        if step not in mutations.broken:
            return Response(content, media_type=kind)
        content = mutated(content, rng)
        mutations.sent[step] = content
        status = rng.choice((200,) * 8 + (204, 302, 404, 418, 429, 500, 503))
        return StreamingResponse(pieces(content, rng, cut=rng.random() < 0.1), status, media_type=kind)

    routes = [Route("/v1/models", models), Route("/health", health)]
    return Starlette(routes=[*routes, Route("/v1/chat/completions", chat, methods=["POST"])])


async def pieces(content: bytes, rng: random.Random, *, cut: bool) -> AsyncIterator[bytes]:
    """The content cut anywhere; with ``cut`` the connection breaks before its end."""
    at = 0
    while at < len(content):
        size = rng.choice((1, 2, 3, 7, 50, 4000))
        yield content[at : at + size]
        at += size
        if cut and at > len(content) // 2:
            raise ConnectionResetError
