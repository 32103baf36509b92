"""What is said: conversations of several turns, each known by a beginning of its own, some by a session's name too.

Invariant: decided by seed and number alone; two conversations have no prefix in common.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.standin.answers import ACCEPTED_QUESTION, REVISED_QUESTION

_FOLLOW_UPS = (
    "The headache is a little better after rest. How long should I wait before I see a doctor?",
    "Can I take ibuprofen against the headache together with my other tablets?",
    "My neck still hurts when I bend my head forward. Does that change anything?",
    "What should I look out for with this headache during the night?",
)
_CALL = re.compile(r"([a-z]+\.\d+\.\d+)(-|$)")
_HISTORY = "Blood pressure was normal, there is no known allergy, and both parents are alive and well at present."


@dataclass(frozen=True, slots=True)
class Shape:
    """How conversations are: words of history before the first question, turns, seconds of thought between them."""

    history_words: int = 400
    turns: int = 8
    thought_seconds: tuple[float, float] = (1.0, 3.0)
    named_share: float = 0.3


@dataclass(frozen=True, slots=True)
class Conversation:
    """One of them; ``number`` tells it from all others of a run, ``session`` is the name that it goes by, if any."""

    number: int
    arm: str
    session: str | None
    opening: str
    thoughts: Sequence[float]

    def question(self, turn: int) -> str:
        """What the user says in a turn, from 0."""
        return self.opening if turn == 0 else _FOLLOW_UPS[(self.number + turn) % len(_FOLLOW_UPS)]

    def request_id(self, turn: int) -> str:
        """What the request of a turn is called."""
        return f"{self.arm}.{self.number}.{turn}"

    def headers(self, turn: int, *, apart: bool) -> Mapping[str, str]:
        """The headers of a turn; ``apart`` names each turn a session of its own, which is placed for itself."""
        identity = self.request_id(turn)
        session = identity if apart else self.session
        return {"x-request-id": identity, **({"x-session-id": session} if session else {})}

    def body(self, turn: int, answers: Sequence[str]) -> dict[str, Any]:
        """The request of a turn, after the answers to those before it."""
        messages = []
        for number, answer in enumerate(answers[:turn]):
            messages.append({"role": "user", "content": self.question(number)})
            messages.append({"role": "assistant", "content": answer})
        messages.append({"role": "user", "content": self.question(turn)})
        return {"model": "preceptor", "messages": messages, "max_tokens": 400}


def conversation(number: int, arm: str, shape: Shape, seed: int) -> Conversation:
    """The conversation of that number."""
    chance = random.Random(f"{seed}.{arm}.{number}")
    words = _HISTORY.split()
    history = " ".join(chance.choice(words) for _ in range(shape.history_words))
    asked = REVISED_QUESTION if chance.random() < 0.5 else ACCEPTED_QUESTION
    named = chance.random() < shape.named_share
    return Conversation(
        number,
        arm,
        f"session-{arm}-{number}" if named else None,
        f"Record {arm} {number}: {history}\n\n{asked}",
        [chance.uniform(*shape.thought_seconds) for _ in range(shape.turns)],
    )


def request_of(call_id: str) -> str | None:
    """The name of the request that a call was made for: a gateway adds the step to it. None for what is not ours."""
    found = _CALL.match(call_id)
    return found[1] if found else None


def conversation_of(request_id: str) -> tuple[str, int]:
    """Conversation and turn of a request's name."""
    identity, _, turn = request_id.rpartition(".")
    return identity, int(turn)
