"""LiteLLM as a client, as published. Arguments: base URL, the engine's model. Prints one JSON object.

It runs in an environment of its own, and so imports nothing of ours.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import litellm  # type: ignore[import-not-found]

MESSAGES = [{"role": "user", "content": "I have had a bad headache for two days."}]
TRIAGE = {
    "type": "function",
    "function": {
        "name": "triage",
        "parameters": {
            "type": "object",
            "properties": {"urgency": {"type": "string", "enum": ["now", "later"]}},
            "required": ["urgency"],
            "additionalProperties": False,
        },
    },
}
CALLS_TRIAGE = {
    "structured_outputs": {
        "choice": ['<tool_call>\n{"name": "triage", "arguments": {"urgency": "now"}}\n</tool_call>'],
    }
}


class Scenes:
    """What is asked of the gateway; every method that does not begin with an underscore is a scene."""

    def __init__(self, base_url: str, engine_model: str) -> None:
        self._base_url = base_url
        self._engine_model = engine_model

    def _fields(self, model: str = "preceptor", **fields: Any) -> dict[str, Any]:
        asked = {"model": f"openai/{model}", "messages": MESSAGES, "max_tokens": 64, "temperature": 0}
        return {**asked, "api_base": self._base_url, "api_key": "none", "max_retries": 0, **fields}

    def guided(self) -> dict[str, Any]:
        found = litellm.completion(**self._fields(extra_body={"preceptor": {"trace": True}}))
        return _shown(found)

    def plain(self) -> dict[str, Any]:
        return _shown(litellm.completion(**self._fields(self._engine_model)))

    def stream(self) -> dict[str, Any]:
        pieces = list(litellm.completion(**self._fields(stream=True, stream_options={"include_usage": True})))
        return _added_up(pieces)

    def plain_stream(self) -> dict[str, Any]:
        asked = self._fields(self._engine_model, stream=True, stream_options={"include_usage": True})
        return _added_up(list(litellm.completion(**asked)))

    def asynchronous(self) -> dict[str, Any]:
        async def both() -> dict[str, Any]:
            whole = await litellm.acompletion(**self._fields())
            pieces = [piece async for piece in await litellm.acompletion(**self._fields(stream=True))]
            return {"whole": whole.choices[0].message.content, "streamed": _text(pieces)}

        return asyncio.run(both())

    def tool_call(self) -> dict[str, Any]:
        asked = self._fields(tools=[TRIAGE], tool_choice="auto", max_tokens=80, extra_body=CALLS_TRIAGE)
        found = litellm.completion(**asked)
        calls = found.choices[0].message.tool_calls
        return {"calls": [[call.function.name, json.loads(call.function.arguments)] for call in calls]}

    def unknown_model(self) -> dict[str, Any]:
        return _raised(lambda: litellm.completion(**self._fields("no-such-model")))

    def unknown_key(self) -> dict[str, Any]:
        return _raised(lambda: litellm.completion(**self._fields(extra_body={"preceptor": {"round": 1}})))

    def too_long(self) -> dict[str, Any]:
        asked = [{"role": "user", "content": "headache " * 20_000}]
        return _raised(lambda: litellm.completion(**self._fields(messages=asked)))

    def bad_stream(self) -> dict[str, Any]:
        return _raised(lambda: list(litellm.completion(**self._fields(stream=True, top_p=7))))


def _shown(found: Any) -> dict[str, Any]:
    return {
        "content": found.choices[0].message.content,
        "finish_reason": found.choices[0].finish_reason,
        "usage": found.usage.model_dump(),
        "extension": getattr(found, "preceptor", None),
        "headers": found._hidden_params["additional_headers"],
    }


def _added_up(pieces: list[Any]) -> dict[str, Any]:
    reasons = [piece.choices[0].finish_reason for piece in pieces if piece.choices]
    usages = [piece.usage.model_dump() for piece in pieces if getattr(piece, "usage", None)]
    return {"content": _text(pieces), "finish_reason": [reason for reason in reasons if reason], "usages": usages}


def _text(pieces: list[Any]) -> str:
    return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def _raised(call: Callable[[], Any]) -> dict[str, Any]:
    """The error of a call that must fail."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is to be seen
        return {"class": type(error).__name__, "status": getattr(error, "status_code", None), "message": str(error)}
    return {"class": None, "status": None, "message": ""}


def main(base_url: str, engine_model: str) -> None:
    """Play every scene."""
    scenes = Scenes(base_url, engine_model)
    names = [name for name in vars(Scenes) if not name.startswith("_")]
    sys.stdout.write(json.dumps({name: getattr(scenes, name)() for name in names}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
