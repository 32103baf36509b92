"""Owns the text that stands for a conversation in the embedding space.

Invariant: it depends only on the text of the last question and of the exchange before it; images and system text do
not enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]

SEPARATOR = " [SEP] "
MAX_TURNS = 3
MAX_CHARACTERS = 600


def render(messages: Sequence[Message]) -> str:
    """The last user turn first, then the turns that led to it, newest first.

    The order lets truncation by the encoder drop the oldest words. Without a user turn the text is empty.
    """
    turns = [(str(message.get("role", "")), text_of(message)) for message in messages]
    spoken = [(role, text) for role, text in turns if role in ("user", "assistant") and text]
    while spoken and spoken[-1][0] != "user":
        spoken.pop()
    return SEPARATOR.join(shortened(text) for _, text in reversed(spoken[-MAX_TURNS:]))


def text_of(message: Message) -> str:
    """The text of one OpenAI-style message: a string, or the text parts of a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content.strip()
    if isinstance(content, Sequence):
        parts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
        return " ".join(part.strip() for part in parts if isinstance(part, str)).strip()
    return ""


def shortened(text: str) -> str:
    """The text itself, or both ends of a longer one: the question stands at one of them."""
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]} {text[-half:]}"
