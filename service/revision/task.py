"""What the loop is asked: a conversation, perhaps a draft, how to sample it, and how far to go.

Invariant: a task is immutable, and its messages reach the engine as they came.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from models.engine import Usage
from principles.retrieve import Retrieval
from service.revision.prompts import Message
from service.revision.tracing import UNTRACED, Tracer

PrincipleChoice = Literal["retrieved", "none", "all"]
MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the client wants the draft sampled; ``extra`` fields go with the draft's call only.

    No edit may bring a ``stop`` text or one of ``bad_words`` (vLLM's, which ``extra`` has too) into the answer.
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    bad_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How the loop is to run. ``principles`` "none" is the control: revision without any principle."""

    rounds: int = 1
    top_k: int = 8
    principles: PrincipleChoice = "retrieved"
    strict: bool = False
    deadline_ms: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"rounds {self.rounds} not in 0..{MAX_ROUNDS}")


@dataclass(frozen=True, slots=True)
class Task:
    """One request to the loop; with ``draft`` the client's own draft is revised and none is written.

    ``headers`` (request id, traceparent) and the fields ``everywhere`` (how messages become a prompt, whose cache it
    may share) go with every call. ``search`` is one for this very conversation that is under way already. ``arrived``
    is when the deadline began to run (``time.monotonic``), without it when the loop begins. ``live`` says that somebody
    watches the answer arrive; where nobody does, the engine is spared streaming it token by token. ``tracer`` hears of
    every step and every call, ``spent`` what each call has cost, as soon as the engine tells it.
    """

    messages: Sequence[Message]
    draft: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    options: Options = field(default_factory=Options)
    headers: Mapping[str, str] = field(default_factory=dict)
    everywhere: Mapping[str, Any] = field(default_factory=dict)
    search: asyncio.Future[Retrieval] | None = None
    arrived: float | None = None
    live: bool = True
    tracer: Tracer = UNTRACED
    spent: Callable[[Usage], None] | None = None
