"""What the stand-in says: the gateway's steps told apart by what they ask for, each with an answer made beforehand.

Invariant: an answer depends on the request alone (and the seed). A question with ``REVISED_SIGN`` gets a draft that
lacks one criterion, which the edit puts right; any other question's draft meets all of them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

MODEL = "loadtest-standin"
REVISED_SIGN = "since this morning"
ACCEPTED_QUESTION = "I have had a severe headache and a stiff neck since last night. What should I do?"
REVISED_QUESTION = f"I have had a severe headache and a stiff neck {REVISED_SIGN}. What should I do?"
DRAFT = "Rest and drink some water. A headache with a stiff neck can have many different causes."
LACKING = "Says to call an ambulance now because of the severe headache with a stiff neck"
EDIT_TEXT = "Call an ambulance now."
_CRITERIA = (
    (LACKING, 9),
    ("Says that a headache with a stiff neck can have several causes", 4),
    ("Says to drink water", 2),
    ("Says to rest", 2),
)
_PROMPT_TOKENS, _CACHED_TOKENS = 320, 256
_SURE = 0.97
# What makes a draft longer, over and over; it meets no criterion and fails none.
_MORE = (
    "Note down how you feel and when it changes.",
    "Lie down in a dark and quiet room if light troubles you.",
    "Tell somebody near you how you are.",
    "Keep a list of what you have taken and when.",
)
_LENGTHS = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as HTTP: ``whole`` in one piece; ``pieces`` as a stream, ``with_usage`` the same with token counts.

    A token is a word of ``text``, and there are so many.
    """

    text: str
    tokens: int
    probability_of_yes: float | None
    whole: bytes
    pieces: tuple[bytes, ...]
    with_usage: tuple[bytes, ...]

    def streamed(self, body: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The pieces that this request asks for; the first holds the response's head, the last its end."""
        return self.with_usage if (body.get("stream_options") or {}).get("include_usage") else self.pieces

    def counted(self, body: Mapping[str, Any], prompt_tokens: int, cached_tokens: int) -> bytes:
        """The last piece for this request, or the whole answer, with these counts in the place of the fixed ones."""
        usage = _usage(self.tokens, prompt_tokens, cached_tokens)
        if not body.get("stream"):
            return _whole(self.text, usage, self.probability_of_yes)
        return _end(usage if (body.get("stream_options") or {}).get("include_usage") else None)


class Answers:
    """All answers, each made once. With ``draft_tokens`` drafts are half to one and a half times as long as that."""

    def __init__(self, draft_tokens: int | None = None, seed: int = 0) -> None:
        rubric = [{"principle": 0, "criterion": text, "points": points} for text, points in _CRITERIA]
        self.models = _response(
            {
                "object": "list",
                "data": [{"id": MODEL, "object": "model", "owned_by": "loadtest", "max_model_len": 8192}],
            }
        )
        self.health = _response({})
        self.not_found = _response({"error": {"message": "no such path", "type": "not_found"}}, "404 Not Found")
        middle = draft_tokens or 0
        spread = [round(middle * (0.5 + (n + 0.5) / _LENGTHS)) for n in range(_LENGTHS)] if middle else [0]
        self._drafts = tuple(_answer(_lengthened(tokens)) for tokens in spread)
        self._seed = seed
        self._rubric = _answer(_compact(rubric))
        self._edit = _answer(_compact({"insert_after": 1, "text": EDIT_TEXT}))
        self._met = _answer("yes", _SURE)
        self._unmet = _answer("no", 1 - _SURE)

    def to(self, body: Mapping[str, Any]) -> Answer:
        """The answer to a chat completion request."""
        if body.get("max_tokens") == 1 and body.get("logprobs"):
            return self._unmet if _lacks(body["messages"]) else self._met
        form = body.get("response_format") or {}
        schema = (form.get("json_schema") or {}).get("schema") or {}
        if "anyOf" in schema:
            return self._edit
        if "criterion" in (schema.get("items") or {}).get("properties", {}):
            return self._rubric
        if len(self._drafts) == 1:
            return self._drafts[0]
        return self._drafts[crc32(json.dumps(body["messages"]).encode(), self._seed) % len(self._drafts)]


def json_response(value: object) -> bytes:
    """What is counted as HTTP."""
    return _response(value)


def text_response(text: str) -> bytes:
    """Metrics as HTTP."""
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def too_long_response() -> bytes:
    """What a call gets that could never fit."""
    message = "This model's maximum context length is exceeded."
    return _response({"error": {"message": message, "type": "BadRequestError", "code": 400}}, "400 Bad Request")


def _lacks(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether the judged answer lacks the criterion: a question to be revised, and not yet edited."""
    if len(messages) < 3 or LACKING not in messages[-1]["content"]:
        return False
    return REVISED_SIGN in messages[0]["content"] and EDIT_TEXT not in messages[-2]["content"]


def _lengthened(tokens: int) -> str:
    """The draft with so many tokens, a few more where a sentence needs them, and no fewer than it has."""
    sentences, have = [DRAFT], len(DRAFT.split(" "))
    while have < tokens:
        sentences.append(_MORE[len(sentences) % len(_MORE)])
        have += len(sentences[-1].split(" "))
    return " ".join(sentences)


def _answer(text: str, probability_of_yes: float | None = None) -> Answer:
    tokens = [word if number == 0 else f" {word}" for number, word in enumerate(text.split(" "))]
    usage = _usage(len(tokens), _PROMPT_TOKENS, _CACHED_TOKENS)
    return Answer(
        text,
        len(tokens),
        probability_of_yes,
        _whole(text, usage, probability_of_yes),
        _pieces(tokens, None),
        _pieces(tokens, usage),
    )


def _whole(text: str, usage: Mapping[str, Any], probability_of_yes: float | None) -> bytes:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "logprobs": _logprobs(text, probability_of_yes),
        "finish_reason": "stop",
    }
    return _response({**_head("chat.completion"), "choices": [choice], "usage": usage})


def _pieces(tokens: Sequence[str], usage: Mapping[str, Any] | None) -> tuple[bytes, ...]:
    head = _head("chat.completion.chunk")
    opening = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    role = _event({**head, "choices": [_delta({"role": "assistant", "content": ""})]})
    written = [_event({**head, "choices": [_delta({"content": token})]}) for token in tokens]
    return (opening + role, *written, _end(usage))


def _end(usage: Mapping[str, Any] | None) -> bytes:
    head = _head("chat.completion.chunk")
    end = _event({**head, "choices": [_delta({}, "stop")]})
    if usage is not None:
        end += _event({**head, "choices": [], "usage": usage})
    return end + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-standin", "object": kind, "created": 1, "model": MODEL}


def _delta(delta: Mapping[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _usage(tokens: int, prompt_tokens: int, cached_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
    }


def _logprobs(text: str, probability_of_yes: float | None) -> dict[str, Any] | None:
    if probability_of_yes is None:
        return None
    likely = {"yes": probability_of_yes, "no": 1 - probability_of_yes}
    rows = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in likely.items()]
    rows.sort(key=lambda row: row["token"] != text)
    return {"content": [{**rows[0], "top_logprobs": rows}]}


def _event(value: object) -> bytes:
    return _chunk(f"data: {_compact(value)}\n\n".encode())


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _response(value: object, status: str = "200 OK") -> bytes:
    body = _compact(value).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
