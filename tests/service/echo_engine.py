"""A scripted engine whose draft is the canary of the request it answers, so that a leak between requests is seen."""

import re

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.service.api.scripted_engine import ENGINE_MODEL, Script, is_conversation, streamed, whole

CANARY = re.compile(rb"canary-\d+-end")


def echo_app() -> Starlette:
    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": ENGINE_MODEL, "object": "model"}]})

    async def health(_: Request) -> Response:
        return Response()

    async def chat(request: Request) -> Response:
        raw = await request.body()
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return refused()
        if not isinstance(body, dict) or not is_conversation(body.get("messages")):
            return refused()
        found = CANARY.search(raw)
        script = Script(draft=found.group().decode() if found else "nothing", met=lambda *_: 0.97)
        if body.get("stream") is True:
            return StreamingResponse(streamed(script, body), media_type="text/event-stream")
        return JSONResponse(await whole(script, body, request))

    routes = [Route("/v1/models", models), Route("/health", health)]
    return Starlette(routes=[*routes, Route("/v1/chat/completions", chat, methods=["POST"])])


def refused() -> Response:
    return JSONResponse({"error": {"message": "no conversation", "type": "BadRequestError", "code": 400}}, 400)
