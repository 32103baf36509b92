"""What is measured: the stand-in engine itself, the gateway three ways, and other gateways where they are installed.

Invariant: a target names the very bytes that are sent, and what a right reply to them holds.
"""

from dataclasses import dataclass
from typing import Literal

from loadtest.connection import Address, RawReply, chat_request
from loadtest.standin import answers

Kind = Literal["json", "stream"]
KINDS: tuple[Kind, ...] = ("json", "stream")
TOKENS = len(answers.DRAFT.split(" "))
_GUIDED_MODEL = "preceptor"


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the result. ``outcome`` is what the gateway is to say of the request, empty for other servers."""

    name: str
    server: str
    model: str
    question: str
    outcome: str = ""
    answer: str = answers.DRAFT
    min_events: int = TOKENS

    def request(self, address: Address, kind: Kind) -> bytes:
        """The request as it is sent."""
        body = {"model": self.model, "messages": [{"role": "user", "content": self.question}]}
        return chat_request(address, {**body, "stream": True} if kind == "stream" else body)

    def fault(self, kind: Kind, reply: RawReply) -> str | None:
        """What is wrong with a reply, or None."""
        if reply.status != 200:
            return f"status {reply.status}"
        return self._stream_fault(reply) if kind == "stream" else self._json_fault(reply)

    def _json_fault(self, reply: RawReply) -> str | None:
        if reply.outcome != self.outcome:
            return f"outcome {reply.outcome or 'none'}"
        return None if self.answer.encode() in reply.body else "another answer"

    def _stream_fault(self, reply: RawReply) -> str | None:
        if not reply.body.rstrip().endswith(b"data: [DONE]"):
            return "a stream without its end"
        if reply.body.count(b"data: ") <= self.min_events:
            return "a stream of fewer events"
        guided = self.model == _GUIDED_MODEL
        if guided and f'"outcome":"{self.outcome}"'.encode() not in reply.body:
            return f"a stream without outcome {self.outcome}"
        return None


_EDITED = answers.DRAFT.replace(". ", f". {answers.EDIT_TEXT} ", 1)
TARGETS: tuple[Target, ...] = (
    Target("engine", "engine", answers.MODEL, answers.ACCEPTED_QUESTION),
    Target("passthrough", "gateway", answers.MODEL, answers.ACCEPTED_QUESTION, "bypassed"),
    Target("accepted", "gateway", _GUIDED_MODEL, answers.ACCEPTED_QUESTION, "accepted", min_events=1),
    Target("revised", "gateway", _GUIDED_MODEL, answers.REVISED_QUESTION, "revised", _EDITED, 1),
    Target("litellm", "litellm", answers.MODEL, answers.ACCEPTED_QUESTION),
    # Whatever the engine streams, optillm sends in one event.
    Target("optillm", "optillm", answers.MODEL, answers.ACCEPTED_QUESTION, min_events=1),
)
