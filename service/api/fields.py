"""Where each field of a chat completion request goes on its way through the loop.

Invariant: a field is honoured (in the draft's call, or in every call), is the loop's own, or is refused by name; a
field that nobody here knows goes to the draft's call, whose engine may know it.
"""

from collections.abc import Mapping
from typing import Any

from service.errors import InvalidRequest, plain_name

# How messages become a prompt, and whose cache and place in the queue it may share: the same for every call, or the
# prefix cache of one step is lost on the next, and with it a tenant's isolation.
EVERYWHERE = frozenset(
    ("cache_salt", "chat_template", "chat_template_kwargs", "documents", "mm_processor_kwargs", "priority")
) | frozenset(("prompt_cache_key", "safety_identifier", "service_tier", "user"))
# What the loop decides for itself or has named fields for, and what a bypass would have taken.
OWN = (
    frozenset(("model", "messages", "stream", "stream_options", "n", "preceptor", "temperature", "top_p", "seed"))
    | frozenset(("stop", "max_tokens", "max_completion_tokens", "tools", "tool_choice", "functions", "function_call"))
    | frozenset(("parallel_tool_calls", "response_format", "logprobs", "top_logprobs", "prompt_logprobs"))
)
# What asks for more than a text, for a text that a revision would make untrue, or for what would blind the judge.
REFUSED = frozenset(("audio", "echo", "return_token_ids", "return_tokens_as_token_ids", "use_beam_search")) | frozenset(
    ("kv_transfer_params", "prompt_embeds", "truncate_prompt_tokens", "web_search_options")
)


def refuse_unsupported(body: Mapping[str, Any]) -> None:
    """Raise ``InvalidRequest`` for the first field that a guided answer cannot honour."""
    options = body.get("stream_options") or {}
    for name in (*body, *(f"stream_options.{plain_name(key)}" for key, value in options.items() if value)):
        if _is_refused(name, body):
            raise InvalidRequest(
                f"{name} cannot be honoured in a guided answer; ask the engine's own model for it",
                param=name,
                code="unsupported_parameter",
            )


def refuse_to_go_first(body: Mapping[str, Any], client: str | None) -> None:
    """Raise ``InvalidRequest`` where a client, one of several that have keys, puts its calls before all others'."""
    priority = body.get("priority")
    if client is not None and isinstance(priority, int | float) and priority < 0:
        raise InvalidRequest("priority: requests may be put later than others, not earlier", param="priority")


def _is_refused(name: str, body: Mapping[str, Any]) -> bool:
    if name.startswith("stream_options."):
        return name != "stream_options.include_usage"
    return (name in REFUSED and bool(body[name])) or (name == "modalities" and body[name] not in (None, ["text"]))


def for_the_draft(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that go with the draft's call alone, beside the loop's own sampling."""
    return {name: value for name, value in body.items() if name not in OWN and name not in EVERYWHERE}


def for_every_call(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that go with every call of the loop."""
    return {name: body[name] for name in EVERYWHERE if name in body}
