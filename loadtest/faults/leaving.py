"""A client leaves at one step of its request: how long the engine goes on working for it, as the engine counts.

Invariant: a time runs from the closing of the client's socket to the engine's first word that it has nothing open.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any

from loadtest.child import ChildFailure
from loadtest.client import Message
from loadtest.connection import Address, Connection
from loadtest.faults.client import Leave, ask
from loadtest.faults.stage import Stage
from loadtest.faults.tap import PLAIN, Plan, Tap
from loadtest.faults.word import STAND_IN, Word, get
from loadtest.quantiles import gauge, percentile
from loadtest.standin.answers import MODEL, REVISED_QUESTION

TARGET_SECONDS = 0.1
_BUDGET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a client leaves: at the engine's getting of a step's call, or at the first piece of its answer."""

    name: str
    step: str
    stream: bool = True
    rounds: int = 1
    at_answer: bool = False


MOMENTS = (
    Moment("draft, streamed", "draft"),
    Moment("draft, whole", "draft", stream=False),
    Moment("rubric", "rubric"),
    Moment("verdicts", "verdict"),
    Moment("edits, streamed", "edit"),
    Moment("edits, whole", "edit", stream=False),
    Moment("checks", "check"),
    Moment("answer, streamed", "draft", rounds=0, at_answer=True),
    Moment("passed through, streamed", PLAIN, at_answer=True),
    Moment("passed through, whole", PLAIN, stream=False),
)
QUEUED, BODY = "queued", "body"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of which engine: conversations in turn whose drafts are revised, the engine's ``model`` and word.

    Clients leave ``into_step_s`` seconds after the step's first call came to the engine: its calls are at work by
    then, and none is near its end. An engine has nothing to do once it has said so for ``quiet_s`` seconds.
    """

    conversations: Sequence[Sequence[Message]] = (({"role": "user", "content": REVISED_QUESTION},),)
    model: str = MODEL
    word: Word = STAND_IN
    into_step_s: float = 0.03
    quiet_s: float = 0.02

    def body(self, moment: Moment, number: int) -> dict[str, Any]:
        """The request of the client that leaves as number ``number``."""
        plain = {"messages": list(self.conversations[number % len(self.conversations)]), "stream": moment.stream}
        if moment.step == PLAIN:
            return {"model": self.model, **plain}
        return {"model": "preceptor", **plain, "preceptor": {"rounds": moment.rounds}}


STANDIN_ASKED = Asked()


@dataclass(slots=True)
class Leaving:
    """All repeats of one moment, in seconds; ``calls_after`` are calls that reached the engine after the client left.

    ``missed`` are tries in which the engine's step was over before the client could leave it.
    """

    moment: str
    seconds: list[float] = field(default_factory=list)
    calls_after: int = 0
    missed: int = 0
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return {
            "moment": self.moment,
            "repeats": len(self.seconds),
            "p50_ms": _ms(percentile(self.seconds, 0.5)),
            "p99_ms": _ms(percentile(self.seconds, 0.99)),
            "greatest_ms": _ms(max(self.seconds, default=None)),
            "within_target": sum(one <= TARGET_SECONDS for one in self.seconds),
            "calls_after": self.calls_after,
            "missed": self.missed,
            "wrong": self.wrong,
        }


async def leave_at(stage: Stage, moment: Moment, repeats: int, asked: Asked = STANDIN_ASKED) -> Leaving:
    """Leave so many times, one client at a time."""
    row, tap = Leaving(moment.name), stage.engines[0].tap
    numbers = count()
    watch = await Connection.to(tap.engine)
    try:
        while len(row.seconds) < repeats and row.missed <= repeats:
            stage.plan(plan := Plan(moment.step))
            await _leave_once(stage.address, (moment, asked, next(numbers)), plan, watch, tap, row)
    finally:
        watch.close()
        stage.plan(None)
    return _judged(row, repeats)


def _judged(row: Leaving, repeats: int) -> Leaving:
    if row.missed > repeats:
        row.wrong.append("the step was over too often before its client could leave")
    return row


async def _leave_once(
    gateway: Address, what: tuple[Moment, Asked, int], plan: Plan, watch: Connection, tap: Tap, row: Leaving
) -> None:
    """Leave, and note how long the engine worked on; a step that had ended by then is missed, and is no result."""
    moment, asked, number = what
    leave, left = Leave(), tap.left
    asking = asyncio.ensure_future(ask(gateway, asked.body(moment, number), _BUDGET_SECONDS, leave))
    if not await _came(leave.began if moment.at_answer else plan.reached, asking):
        row.missed += 1
        return
    await asyncio.sleep(asked.into_step_s)
    calls = tap.calls
    gone = leave.now()
    seconds = await _idle(watch, tap.engine, asked, gone)
    await asking
    if tap.left == left:
        row.missed += 1
        return
    row.seconds.append(seconds)
    row.calls_after += tap.calls - calls


async def leave_queue(stage: Stage, repeats: int, asked: Asked = STANDIN_ASKED) -> Leaving:
    """Leave the queue behind a request that holds the only slot; timed until the gateway's queue is empty."""
    row, tap = Leaving(QUEUED), stage.engines[0].tap
    watch, gateway = await Connection.to(tap.engine), await Connection.to(stage.address)
    try:
        while len(row.seconds) < repeats and row.missed <= repeats:
            number = len(row.seconds) + row.missed
            plan, first, leave = Plan("draft"), Leave(), Leave()
            stage.plan(plan)
            guided, plain = asked.body(MOMENTS[0], number), asked.body(MOMENTS[-1], number)
            holding = asyncio.ensure_future(ask(stage.address, guided, _BUDGET_SECONDS, first))
            if not await _came(plan.reached, holding):
                row.missed += 1
                continue
            waiting = asyncio.ensure_future(ask(stage.address, plain, _BUDGET_SECONDS, leave))
            await _gauge(gateway, stage.address, "preceptor_queued_requests", 1)
            gone = leave.now()
            await _gauge(gateway, stage.address, "preceptor_queued_requests", 0)
            row.seconds.append(perf_counter() - gone)
            first.now()
            await asyncio.gather(holding, waiting)
            calls = tap.calls
            await _idle(watch, tap.engine, asked, gone)
            row.calls_after += tap.calls - calls
    finally:
        watch.close()
        gateway.close()
        stage.plan(None)
    return _judged(row, repeats)


async def leave_body(stage: Stage, repeats: int) -> Leaving:
    """Leave in the middle of the body; timed until the gateway has none arriving."""
    row, tap = Leaving(BODY), stage.engines[0].tap
    gateway = await Connection.to(stage.address)
    place = f"{stage.address.host}:{stage.address.port}"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {place}\r\ncontent-length: 1000\r\n\r\n{{".encode()
    calls = tap.calls
    try:
        for _ in range(repeats):
            _, writer = await asyncio.open_connection(stage.address.host, stage.address.port)
            try:
                writer.write(head)
                await _gauge(gateway, stage.address, "preceptor_arriving_requests", 1)
            finally:
                gone = perf_counter()
                writer.transport.abort()
            await _gauge(gateway, stage.address, "preceptor_arriving_requests", 0)
            row.seconds.append(perf_counter() - gone)
    finally:
        gateway.close()
    row.calls_after = tap.calls - calls
    return row


async def leave_everywhere(
    stage: Stage, repeats: int, only: Sequence[str], asked: Asked = STANDIN_ASKED
) -> list[Leaving]:
    """Every moment that ``only`` names a part of, all of them where it is empty. The gateway must have one slot."""
    rows = []
    if _wanted(BODY, only):
        rows.append(await leave_body(stage, repeats))
    if _wanted(QUEUED, only):
        rows.append(await leave_queue(stage, repeats, asked))
    return rows + [await leave_at(stage, moment, repeats, asked) for moment in MOMENTS if _wanted(moment.name, only)]


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(part in name for part in only)


async def _came(moment: asyncio.Event, asking: "asyncio.Future[Any]") -> bool:
    """Wait for the moment; False where the request ended before it."""
    waiting = asyncio.ensure_future(moment.wait())
    await asyncio.wait({waiting, asking}, timeout=_BUDGET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return moment.is_set()


async def _idle(watch: Connection, engine: Address, asked: Asked, since: float) -> float:
    """Ask the engine without a pause until it has nothing open, and for a while longer; seconds to the first such word.

    Raises ``ChildFailure``.
    """
    idle: float | None = None
    while idle is None or perf_counter() - idle < asked.quiet_s:
        if await asked.word.open_calls(watch, engine):
            idle = None
        elif idle is None:
            idle = perf_counter()
        if perf_counter() - since > _BUDGET_SECONDS:
            raise ChildFailure("the engine never stops working")
    return idle - since


async def _gauge(gateway: Connection, address: Address, name: str, wanted: int) -> None:
    until = perf_counter() + _BUDGET_SECONDS
    while gauge((await gateway.ask(get(address, "/metrics"))).body.decode(), name) != wanted:
        if perf_counter() > until:
            raise ChildFailure(f"{name} never becomes {wanted}")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
