"""What the loop must not touch, and why: such a request goes to the engine as it is.

Invariant: every bypass has one reason out of a closed set.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from service.api.chores import is_chore

_STRUCTURED = ("structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar")


class Bypass(StrEnum):
    """Why a request is passed through."""

    ENGINE_MODEL = "engine_model"
    TOOLS = "tools"
    RESPONSE_FORMAT = "response_format"
    CHOICES = "n"
    LOGPROBS = "logprobs"
    PREFILL = "prefill"
    CLIENT_CHORE = "client_chore"
    NOT_HEALTH = "not_health"


def bypass_reason(body: Mapping[str, Any]) -> Bypass | None:
    """The reason to leave a request for a guided answer to the engine alone, or None."""
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    if body.get("tools") or body.get("functions") or any(map(_is_of_tools, messages)):
        return Bypass.TOOLS
    if _wants_format(body):
        return Bypass.RESPONSE_FORMAT
    if (body.get("n") or 1) > 1:
        return Bypass.CHOICES
    if body.get("logprobs") or body.get("top_logprobs") or body.get("prompt_logprobs") is not None:
        return Bypass.LOGPROBS
    if (
        messages[-1]["role"] == "assistant"
        or body.get("continue_final_message")
        or body.get("add_generation_prompt") is False
    ):
        return Bypass.PREFILL
    return Bypass.CLIENT_CHORE if is_chore(messages) else None


def _is_of_tools(message: Mapping[str, Any]) -> bool:
    """Say whether a message calls a tool, or is a tool's answer."""
    return message["role"] in ("tool", "function") or bool(message.get("tool_calls") or message.get("function_call"))


def _wants_format(body: Mapping[str, Any]) -> bool:
    wanted = body.get("response_format")
    free = wanted is None or (isinstance(wanted, Mapping) and wanted.get("type") == "text")
    return not free or any(body.get(name) for name in _STRUCTURED)
