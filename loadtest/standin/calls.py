"""A chat completion as the scheduler sees it: its blocks and its tokens, a token being a word.

Invariant: two conversations share the keys of just those blocks that hold the same words after the same words.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from loadtest.standin.answers import Answer
from loadtest.standin.scheduler import Sequence as Call
from loadtest.standin.speed import BLOCK_TOKENS

_KEY_BYTES = 8


def call(body: Mapping[str, Any], answer: Answer) -> Call:
    """The call that a request makes; a higher ``priority`` is served later, as in vLLM."""
    prompt = _words(body["messages"])
    words = [*prompt, *answer.text.split(" ")]
    return Call(block_keys(words), len(prompt), answer.tokens, int(body.get("priority") or 0))


def block_keys(words: Sequence[str]) -> list[int]:
    """One key for each full block of words, made from it and all before it."""
    keys, before = [], b""
    for start in range(0, len(words) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        content = "\0".join(words[start : start + BLOCK_TOKENS]).encode(errors="replace")
        before = blake2b(before + content, digest_size=_KEY_BYTES).digest()
        keys.append(int.from_bytes(before, "big"))
    return keys


def _words(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    words: list[str] = []
    for message in messages:
        words += [f"<{message['role']}>", *_text(message["content"]).split()]
    return [*words, "<assistant>"]


def _text(content: object) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return str(content or "")
