"""What stands in the messages of a guided request: a question, in parts that the engine can read.

Invariant: what is refused here would have failed later with a message that names nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.errors import InvalidRequest


def refuse_unreadable_content(messages: Sequence[Mapping[str, Any]], *, text_only: bool) -> None:
    """Raise ``InvalidRequest`` without a user's message, or for parts other than text where only text is read."""
    if not any(message["role"] == "user" for message in messages):
        raise InvalidRequest("messages: a conversation needs a message of the role user", param="messages")
    for place, kind in _parts(messages):
        if not isinstance(kind, str):
            raise InvalidRequest(f"{place}: a part needs a type", param=place)
        if text_only and kind not in ("text", "refusal"):
            raise InvalidRequest(
                f"{place}: this model reads text only, it is not multimodal; {_shown(kind)} cannot be taken",
                param=place,
                code="unsupported_content",
            )


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    for number, message in enumerate(messages):
        content = message.get("content")
        if isinstance(content, list):
            for index, part in enumerate(content):
                yield f"messages.{number}.content.{index}", part.get("type")


def _shown(kind: str) -> str:
    """The part's type where it is one of OpenAI's or vLLM's; nothing else of a request is quoted back."""
    return kind if kind in ("image_url", "input_audio", "audio_url", "video_url", "file") else "such a part"
