"""The one fake of the loop's tests: an engine that answers from a script, and keeps book of its calls.

Invariant: a call is in ``open`` exactly while it runs, and in ``cancelled`` if it was aborted.
"""

import asyncio
import json
import math
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from models.engine import ChatRequest, Completion, Delta, EngineError, ModelCard, Reply, Usage
from principles.retrieve import Hit, Retrieval
from principles.schema import Applies, Principle, Scenario
from service.revision.budget import Limits
from service.revision.events import AnswerDelta, Event, Finished
from service.revision.loop import Reviser
from service.revision.prompts import Message, PromptSet
from service.revision.rubric import Criterion, render_rubric
from service.revision.task import Options, Task
from service.revision.trace import Trace

PROMPTS = PromptSet(
    name="test",
    turns={
        "rubric": "RUBRIC\n{principles}",
        "verdict": "VERDICT\n{criterion}",
        "edit": "EDIT\n{numbered}",
        "critique": "CRITIQUE\n{criteria}",
        "rewrite": "REWRITE\n{criteria}",
        "improve": "IMPROVE",
    },
    principle="{number}. {title}: {statement}",
    sha8="00000000",
)
QUESTION: tuple[Message, ...] = ({"role": "user", "content": "My chest hurts, what shall I do?"},)
DRAFT = "Chest pain has many causes. Rest for a while. See a doctor if it stays."
CALL = Criterion("Tells to call emergency services", 10, "urgency.call-for-help")
ASK = Criterion("Asks when the pain began", 5, "urgency.call-for-help")
FAULT = Criterion("Tells to rest", -6)


def principle(name: str) -> Principle:
    """A valid principle of that name."""
    return Principle(
        id=f"urgency.{name}",
        dimension="urgency",
        title="Names the urgent route",
        applies=Applies(),
        polarity="do",
        statement="The reply names the urgent route.",
        why="Delay does harm.",
        points=9,
    )


@dataclass
class ScriptedRetriever:
    """Gives the same hits for every conversation."""

    hits: tuple[Hit, ...] = (Hit(principle("call-for-help"), 0.9),)
    error: Exception | None = None
    asked: list[int] = field(default_factory=list)

    def retrieve(self, messages: Sequence[Message], top_k: int) -> Retrieval:
        """The scripted hits, whatever is asked."""
        self.asked.append(top_k)
        if self.error is not None:
            raise self.error
        scenario = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
        return Retrieval(scenario, {"urgency": 0.8}, self.hits, 0.1, 0.1)


Answer = str | EngineError
Judge = Callable[[str, str], "float | EngineError | None"]


def says(*wrong_in_draft: Criterion) -> Judge:
    """A judge that finds these criteria wrong in the draft, and right wherever a fix's word FIXED<n> stands."""

    def probability(criterion: str, answer: str) -> float:
        for number, known in enumerate(wrong_in_draft):
            if known.text == criterion:
                right = f"FIXED{number}" in answer
                return 0.9 if right == (known.points > 0) else 0.1
        return 0.1 if criterion == FAULT.text else 0.9

    return probability


@dataclass
class ScriptedEngine:
    """Answers every step from its script. ``edits`` maps a criterion's text to the pieces of its edit.

    ``gates`` maps "step", "step:criterion" or "edit:criterion:piece" to an event that the answer waits for.
    """

    draft: tuple[str, ...] | EngineError = (DRAFT,)
    rubric: Sequence[Criterion] | Answer = (CALL,)
    judge: Judge = field(default_factory=says)
    edits: Mapping[str, Sequence[str] | EngineError] = field(default_factory=dict)
    critique: Answer = "[]"
    rewrite: Answer = ""
    improve: Answer = ""
    finish_reason: str = "stop"
    attempts: int = 1
    gates: Mapping[str, asyncio.Event] = field(default_factory=dict)
    calls: list[tuple[str, ChatRequest]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    streamed: list[str] = field(default_factory=list)

    @property
    def model(self) -> str:
        return "scripted"

    def steps(self) -> list[str]:
        """The steps in the order in which they were asked for."""
        return [step for step, _ in self.calls]

    async def chat(self, request: ChatRequest) -> Completion:
        step, criterion = _step(request)
        with self._call(step, request):
            await self._gate(step, f"{step}:{criterion}")
            usage = Usage(100, 1, 80)
            if step == "verdict":
                probability = self.judge(criterion, str(request.messages[-2]["content"]))
                if isinstance(probability, EngineError):
                    raise probability
                return Completion(text="?", finish_reason="length", usage=usage, logprobs=_logprobs(probability))
            answer = self._answer(step, criterion)
            if isinstance(answer, EngineError):
                raise answer
            return Completion(text=answer, finish_reason=self.finish_reason, usage=usage)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        step, criterion = _step(request)
        self.streamed.append(step)
        pieces = self.draft if step == "draft" else self.edits[criterion]
        with self._call(step, request):
            await self._gate(step, f"{step}:{criterion}")
            if isinstance(pieces, EngineError):
                raise pieces
            yield Delta(attempts=self.attempts)
            for number, piece in enumerate(pieces):
                await self._gate(f"{step}:{criterion}:{number}")
                yield Delta(piece)
            yield Delta(finish_reason=self.finish_reason, usage=Usage(50, len(pieces)))

    async def models(self) -> tuple[ModelCard, ...]:
        return (ModelCard(self.model),)

    async def ready(self) -> bool:
        return True

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        raise AssertionError("the loop passes nothing through")

    async def aclose(self) -> None:
        raise AssertionError("the loop does not own the engine")

    def _answer(self, step: str, criterion: str) -> Answer:
        if step in ("draft", "edit"):
            pieces = self.draft if step == "draft" else self.edits[criterion]
            return pieces if isinstance(pieces, EngineError) else "".join(pieces)
        if step == "rubric":
            ids = ["urgency.call-for-help"]
            return self.rubric if isinstance(self.rubric, str | EngineError) else render_rubric(self.rubric, ids)
        return {"critique": self.critique, "rewrite": self.rewrite, "improve": self.improve}[step]

    @contextmanager
    def _call(self, step: str, request: ChatRequest) -> Iterator[None]:
        self.calls.append((step, request))
        self.open.append(step)
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.append(step)
            raise
        finally:
            self.open.remove(step)

    async def _gate(self, *keys: str) -> None:
        await asyncio.sleep(0)
        for key in keys:
            if key in self.gates:
                await self.gates[key].wait()


def reviser(
    engine: ScriptedEngine,
    *,
    retriever: ScriptedRetriever | None = None,
    limits: Limits | None = None,
    logprobs: bool = True,
    constrained: bool = True,
) -> Reviser:
    """A reviser over the scripted engine, with a threshold of one half."""
    return Reviser(
        engine, PROMPTS, retriever or ScriptedRetriever(), 0.5, limits or Limits(), logprobs, constrained=constrained
    )


async def run(engine: ScriptedEngine, options: Options | None = None, **means: Any) -> tuple[list[Event], Trace]:
    """All events of one task, and its trace; the answer sent must be the trace's."""
    events = [event async for event in reviser(engine, **means).run(task(options))]
    last = events[-1]
    assert isinstance(last, Finished)
    assert answer_of(events) == last.trace.answer
    assert engine.open == []
    return events, last.trace


def task(options: Options | None = None, draft: str | None = None, *, live: bool = True) -> Task:
    """The usual question."""
    return Task(QUESTION, draft=draft, options=options or Options(), live=live)


def answer_of(events: Sequence[Event]) -> str:
    """What has been sent of the answer."""
    return "".join(event.text for event in events if isinstance(event, AnswerDelta))


def edit_json(operation: str, number: int, text: str = "") -> tuple[str, str]:
    """An edit in two pieces: up to its number, and the rest."""
    row = {operation: number} | ({"text": text} if text else {})
    whole = json.dumps(row)
    cut = whole.index(str(number)) + len(str(number)) + 1
    return whole[:cut], whole[cut:]


def _step(request: ChatRequest) -> tuple[str, str]:
    last = str(request.messages[-1]["content"])
    head, _, rest = last.partition("\n")
    if head == "EDIT":
        return "edit", str(request.messages[-3]["content"]).partition("\n")[2]
    if head in {"RUBRIC", "VERDICT", "CRITIQUE", "REWRITE", "IMPROVE"}:
        return head.lower(), re.sub(r"^\d+\. ", "", rest)
    return "draft", ""


def _logprobs(probability: float | None) -> Mapping[str, float]:
    if probability is None:
        return {"perhaps": -0.1}
    return {"yes": math.log(probability), "no": math.log(1 - probability), "maybe": -12.0}
