"""A small OpenAI-shaped engine over real HTTP, whose every answer is scripted: the one fake of these tests.

It tells the steps of the loop apart by what they ask for, and counts the calls that are open and those cut off.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

ENGINE_MODEL = "scripted-engine"
CRITERION = "Says to call an ambulance now"
RUBRIC = [{"principle": 1, "criterion": CRITERION, "points": 9}]
DRAFT = "Rest for a while. Chest pain can have many causes."
EDIT = {"insert_after": 1, "text": "Call an ambulance now."}
REVISED = "Rest for a while. Call an ambulance now. Chest pain can have many causes."


def ambulance(_: str, answer: str) -> float:
    return 0.97 if "ambulance" in answer else 0.04


@dataclass
class Script:
    """What the engine says, how slowly, and what it was asked."""

    draft: str = DRAFT
    rubric: Any = field(default_factory=lambda: RUBRIC)
    edit: Any = field(default_factory=lambda: EDIT)
    met: Callable[[str, str], float] = ambulance
    first_token_s: float = 0.0
    gap_s: float = 0.0
    refusal: tuple[int, Mapping[str, Any]] | None = None
    break_after: int | None = None
    held: str | None = None
    """The step whose calls get no answer until their caller leaves."""
    garbage: Mapping[str, bytes] = field(default_factory=dict)
    """Whole bodies, by step, in the place of answers; in a stream, of events."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    open_calls: int = 0
    cut_off: int = 0

    def steps(self) -> list[str]:
        return [step_of(body) for body in self.asked]


HELD_SECONDS = 30.0


def step_of(body: Mapping[str, Any]) -> str:
    if body.get("max_tokens") == 1:
        return "check" if str(EDIT["text"]) in str(body["messages"][1:]) else "verdict"
    form = body.get("response_format") or {}
    schema = form.get("json_schema", {}).get("schema", {}) if form.get("type") == "json_schema" else {}
    if "anyOf" in schema:
        return "edit"
    if schema.get("type") == "array":
        return "rubric"
    return "draft"


def engine_app(script: Script) -> Starlette:
    async def models(request: Request) -> Response:
        names = getattr(request.app.state, "models", [ENGINE_MODEL])
        rows = [{"id": name, "object": "model", "max_model_len": 4096} for name in names]
        return JSONResponse({"object": "list", "data": rows})

    async def health(_: Request) -> Response:
        return Response()

    async def chat(request: Request) -> Response:
        raw = await request.body()
        body = orjson.loads(raw)
        script.raw.append(raw)
        script.asked.append(body)
        script.headers.append(dict(request.headers))
        if request.url.path == "/v1/chat/completions" and not is_conversation(body.get("messages")):
            return JSONResponse({"error": {"message": "no conversation", "type": "BadRequestError", "code": 400}}, 400)
        if script.refusal is not None and step_of(body) == "draft":
            status, content = script.refusal
            return JSONResponse(content, status)
        if step_of(body) in script.garbage:
            kind = "text/event-stream" if body.get("stream") else "application/json"
            return Response(script.garbage[step_of(body)], media_type=kind)
        if body.get("stream"):
            return StreamingResponse(streamed(script, body), media_type="text/event-stream")
        answer = await whole(script, body, request)
        if request.url.path == "/v1/completions":
            answer["choices"] = [{"index": 0, "text": told(script, body), "finish_reason": "stop"}]
        return JSONResponse(answer)

    routes = [
        Route("/v1/models", models),
        Route("/health", health),
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/completions", chat, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def is_conversation(messages: object) -> bool:
    return isinstance(messages, list) and bool(messages) and all(isinstance(message, dict) for message in messages)


def told(script: Script, body: Mapping[str, Any]) -> str:
    match step_of(body):
        case "rubric":
            return orjson.dumps(script.rubric).decode()
        case "edit":
            return orjson.dumps(script.edit).decode()
        case "verdict" | "check":
            return "yes" if probability(script, body) >= 0.5 else "no"
    return script.draft


def probability(script: Script, body: Mapping[str, Any]) -> float:
    said = [str(message.get("content")) for message in body.get("messages") or ()]
    return script.met(said[-1], said[-2]) if len(said) > 1 else 0.9


def usage(step: str, text: str) -> dict[str, Any]:
    completion = 1 if step in ("verdict", "check") else len(text.split())
    return {
        "prompt_tokens": 100,
        "completion_tokens": completion,
        "total_tokens": 100 + completion,
        "prompt_tokens_details": {"cached_tokens": 0 if step == "draft" else 80},
    }


async def whole(script: Script, body: Mapping[str, Any], request: Request) -> dict[str, Any]:
    step, text = step_of(body), told(script, body)
    script.open_calls += 1
    try:
        writing = script.first_token_s + script.gap_s * len(text.split(" "))
        waiting = HELD_SECONDS if step == script.held else writing if step == "draft" else 0.0
        await wait_or_leave(waiting, request, script)
    finally:
        script.open_calls -= 1
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if body.get("logprobs"):
        p = probability(script, body)
        found = [{"token": t, "logprob": math.log(q), "bytes": None} for t, q in (("yes", p), ("no", 1 - p))]
        choice["logprobs"] = {"content": [{**max(found, key=lambda row: row["logprob"]), "top_logprobs": found}]}
    head = {"id": "chatcmpl-scripted", "object": "chat.completion", "created": 1, "model": ENGINE_MODEL}
    return {**head, "choices": [choice], "usage": usage(step, text)}


async def wait_or_leave(seconds: float, request: Request, script: Script) -> None:
    """Wait like an engine at work, and note when the caller goes meanwhile."""
    if seconds <= 0:
        return
    leaving = asyncio.ensure_future(request.receive())
    done, _ = await asyncio.wait({leaving}, timeout=seconds)
    if done and leaving.result()["type"] == "http.disconnect":
        script.cut_off += 1
    leaving.cancel()


async def streamed(script: Script, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    step, text = step_of(body), told(script, body)
    head = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 1, "model": ENGINE_MODEL}
    script.open_calls += 1
    finished = False
    try:
        await asyncio.sleep(HELD_SECONDS if step == script.held else script.first_token_s if step == "draft" else 0.0)
        for number, word in enumerate(text.split(" ")):
            if script.break_after == number and step == "draft":
                finished = True
                raise ConnectionResetError
            piece = word if number == 0 else f" {word}"
            yield chunk({**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            await asyncio.sleep(script.gap_s if step == "draft" else 0.0)
        yield chunk({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield chunk({**head, "choices": [], "usage": usage(step, text)})
        yield b"data: [DONE]\n\n"
        finished = True
    finally:
        script.open_calls -= 1
        script.cut_off += not finished


def chunk(value: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
