"""What a reply tells as it comes in: moments of the first byte, reasoning and answer, gaps between tokens, the outcome.

Invariant: fed with bytes and times, it touches no clock; a reply is whole only if it has said so itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_OVERHEAD = "overhead_ms"


@dataclass(slots=True)
class Reading:
    """One reply so far; moments on the feeder's clock, ``gaps_ms`` between pieces of the answer."""

    first_byte: float | None = None
    first_reasoning: float | None = None
    first_answer: float | None = None
    last_answer: float | None = None
    gaps_ms: list[float] = field(default_factory=list)
    output_tokens: int | None = None
    outcome: str = ""
    reason: str = ""
    overhead_ms: float | None = None
    pings: int = 0
    complete: bool = False
    stream_error: bool = False
    malformed: bool = False
    _held: bytes = b""

    def header(self, name: bytes, value: bytes) -> None:
        """Take one header of the reply."""
        text = value.decode("ascii", errors="replace")
        match name.lower():
            case b"x-preceptor-outcome":
                self.outcome = text
            case b"x-preceptor-reason":
                self.reason = text
            case b"x-preceptor-overhead-ms":
                self.overhead_ms = _float(text)

    def stream(self, data: bytes, now: float) -> None:
        """Take the next bytes of a stream of events."""
        self._held += data
        *events, self._held = self._held.replace(b"\r\n", b"\n").split(b"\n\n")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data: "):
                    self._data(line[6:], now)
                elif line.startswith(b":"):
                    self.pings += 1

    def whole(self, body: bytes, now: float) -> None:
        """Take a reply in one piece."""
        try:
            content = orjson.loads(body)
            answer = content["choices"][0]["message"]["content"]
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
            self.malformed = True
            return
        if answer:
            self.first_answer = self.last_answer = now
        self._extension(content)
        self.complete = True

    def _data(self, data: bytes, now: float) -> None:
        if data == b"[DONE]":
            self.complete = not self.stream_error
            return
        try:
            content = orjson.loads(data)
        except orjson.JSONDecodeError:
            self.malformed = True
            return
        if not isinstance(content, Mapping):
            self.malformed = True
            return
        if content.get("error"):
            self.stream_error = True
            return
        for choice in content.get("choices") or ():
            self._delta(choice.get("delta") or {}, now)
        self._extension(content)

    def _delta(self, delta: Mapping[str, Any], now: float) -> None:
        if (delta.get("reasoning") or delta.get("reasoning_content")) and self.first_reasoning is None:
            self.first_reasoning = now
        if delta.get("content"):
            if self.last_answer is None:
                self.first_answer = now
            else:
                self.gaps_ms.append((now - self.last_answer) * 1000)
            self.last_answer = now

    def _extension(self, content: Mapping[str, Any]) -> None:
        usage, extension = content.get("usage"), content.get("preceptor")
        if isinstance(usage, Mapping) and isinstance(usage.get("completion_tokens"), int):
            self.output_tokens = usage["completion_tokens"]
        if isinstance(extension, Mapping) and "outcome" in extension:
            self.outcome = str(extension["outcome"])
            self.reason = str(extension.get("reason") or "")
            self.overhead_ms = _float(extension.get(_OVERHEAD)) if _OVERHEAD in extension else self.overhead_ms


def _float(value: object) -> float | None:
    try:
        return float(json.loads(str(value)))
    except (ValueError, TypeError):
        return None
