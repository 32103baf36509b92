"""The key of a conversation: what all steps of a request, and the conversation's next turn, have in common.

Invariant: a key is a digest, so that nothing of a prompt is kept; requests that begin alike have one key.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from models.engine import ChatRequest

SESSION = "x-session-id"
_EXCERPT = 2048
# A content is a list of parts, a part an object, and its picture an object in it.
_LEVELS = 4


def key_of(request: ChatRequest) -> bytes:
    """The key of a chat request."""
    return _key({**request.extra, "messages": request.messages}, request.headers)


def key_of_body(body: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """The key of an OpenAI request of any kind."""
    return _key(body, {name.lower(): value for name, value in headers.items()})


def parsed(raw: bytes) -> Mapping[str, Any]:
    """The request in ``raw``; an empty one where it is no JSON object, which the engine will say."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _key(body: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """A session or a cache key that the client names goes first, then its user, then how the conversation begins.

    A salt alone names a tenant and no conversation: it goes into the key beside the beginning, so that a hospital that
    salts everything alike still has all its replicas.
    """
    named = headers.get(SESSION) or body.get("prompt_cache_key") or body.get("user")
    parts = [_text(body.get("cache_salt")), *([_text(named)] if named else _beginning(body))]
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _beginning(body: Mapping[str, Any]) -> Iterable[bytes]:
    """All messages up to the first of the user, each as far as its excerpt goes; or the prompt, or the input."""
    messages = body.get("messages")
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        yield _text(body.get("prompt") or body.get("input"))
        return
    for message in messages:
        if not isinstance(message, Mapping):
            return
        yield _text(message.get("role"))
        yield _text(message.get("content"))
        if message.get("role") == "user":
            return


def _text(value: object, depth: int = 0) -> bytes:
    """Length and beginning of every text, a few levels deep: a picture of megabytes is not hashed for every call."""
    if isinstance(value, str):
        return b"%d:" % len(value) + value[:_EXCERPT].encode("utf-8", errors="surrogatepass")
    if depth < _LEVELS and isinstance(value, Mapping):
        value = [part for name in sorted(value, key=str) for part in (name, value[name])]
    if depth < _LEVELS and isinstance(value, Sequence):
        return b"[" + b"".join(_text(part, depth + 1) for part in value[:_EXCERPT]) + b"]"
    return repr(value)[:_EXCERPT].encode() if value is None or isinstance(value, int | float) else b"?"
