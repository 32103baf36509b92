"""A client leaves at one step of its request: how long the engine goes on working for it, as the engine counts.

Invariant: a time runs from the closing of the client's socket to the engine's first word that it has nothing open.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import orjson

from loadtest.child import ChildFailure
from loadtest.connection import Address, Connection
from loadtest.faults.client import Leave, ask
from loadtest.faults.stage import Stage
from loadtest.faults.tap import PLAIN, Plan
from loadtest.quantiles import gauge, percentile
from loadtest.standin.answers import MODEL, REVISED_QUESTION

TARGET_SECONDS = 0.1
_BUDGET_SECONDS = 30.0
# A step's calls are at the engine by then, and none of them is near its end.
_INTO_STEP_SECONDS = 0.03
_AFTERWARDS_SECONDS = 0.02
_MESSAGES = [{"role": "user", "content": REVISED_QUESTION}]
_GUIDED: Mapping[str, Any] = {"model": "preceptor", "messages": _MESSAGES}
_PASSED: Mapping[str, Any] = {"model": MODEL, "messages": _MESSAGES}
_DRAFT_ONLY: Mapping[str, Any] = {**_GUIDED, "preceptor": {"rounds": 0}}
_STREAM = {"stream": True}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a client leaves: at the engine's getting of a step's call, or at the first piece of its answer."""

    name: str
    body: Mapping[str, Any]
    step: str
    at_answer: bool = False


MOMENTS = (
    Moment("draft, streamed", {**_GUIDED, **_STREAM}, "draft"),
    Moment("draft, whole", _GUIDED, "draft"),
    Moment("rubric", {**_GUIDED, **_STREAM}, "rubric"),
    Moment("verdicts", {**_GUIDED, **_STREAM}, "verdict"),
    Moment("edits, streamed", {**_GUIDED, **_STREAM}, "edit"),
    Moment("edits, whole", _GUIDED, "edit"),
    Moment("checks", {**_GUIDED, **_STREAM}, "check"),
    Moment("answer, streamed", {**_DRAFT_ONLY, **_STREAM}, "draft", at_answer=True),
    Moment("passed through, streamed", {**_PASSED, **_STREAM}, PLAIN, at_answer=True),
    Moment("passed through, whole", _PASSED, PLAIN),
)
QUEUED, BODY = "queued", "body"


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


async def leave_at(stage: Stage, moment: Moment, repeats: int) -> Leaving:
    """Leave so many times, one client at a time."""
    row, engine = Leaving(moment.name), stage.engines[0].tap.engine
    watch = await Connection.to(engine)
    try:
        while len(row.seconds) < repeats and row.missed <= repeats:
            stage.plan(plan := Plan(moment.step))
            await _leave_once(stage.address, moment, plan, watch, engine, row)
    finally:
        watch.close()
        stage.plan(None)
    if row.missed > repeats:
        row.wrong.append("the step was over too often before its client could leave")
    return row


async def _leave_once(
    gateway: Address, moment: Moment, plan: Plan, watch: Connection, engine: Address, row: Leaving
) -> None:
    """Leave, and note how long the engine worked on; a step that had ended by then is missed, and is no result."""
    leave = Leave()
    asked = asyncio.ensure_future(ask(gateway, moment.body, _BUDGET_SECONDS, leave))
    await _until(leave.began if moment.at_answer else plan.reached, asked)
    await asyncio.sleep(_INTO_STEP_SECONDS)
    before = await _counts(watch, engine)
    gone = leave.now()
    seconds = await _idle(watch, engine, gone)
    await asked
    await asyncio.sleep(_AFTERWARDS_SECONDS)
    after = await _counts(watch, engine)
    if not before["open"] or after["cut_off"] == before["cut_off"]:
        row.missed += 1
        return
    row.seconds.append(seconds)
    row.calls_after += _total(after) - _total(before)


async def leave_queue(stage: Stage, repeats: int) -> Leaving:
    """Leave the queue behind a request that holds the only slot; timed until the gateway's queue is empty."""
    row, engine = Leaving(QUEUED), stage.engines[0].tap.engine
    watch, gateway = await Connection.to(engine), await Connection.to(stage.address)
    try:
        for _ in range(repeats):
            plan, first, leave = Plan("draft"), Leave(), Leave()
            stage.plan(plan)
            holding = asyncio.ensure_future(ask(stage.address, {**_GUIDED, **_STREAM}, _BUDGET_SECONDS, first))
            await _until(plan.reached, holding)
            waiting = asyncio.ensure_future(ask(stage.address, _PASSED, _BUDGET_SECONDS, leave))
            await _gauge(gateway, stage.address, "preceptor_queued_requests", 1)
            gone = leave.now()
            await _gauge(gateway, stage.address, "preceptor_queued_requests", 0)
            row.seconds.append(perf_counter() - gone)
            first.now()
            await asyncio.gather(holding, waiting)
            before = _total(await _counts(watch, engine))
            await _idle(watch, engine, gone)
            await asyncio.sleep(_AFTERWARDS_SECONDS)
            row.calls_after += _total(await _counts(watch, engine)) - before
    finally:
        watch.close()
        gateway.close()
        stage.plan(None)
    return row


async def leave_body(stage: Stage, repeats: int) -> Leaving:
    """Leave in the middle of the body; timed until the gateway has none arriving."""
    row, engine = Leaving(BODY), stage.engines[0].tap.engine
    watch, gateway = await Connection.to(engine), await Connection.to(stage.address)
    place = f"{stage.address.host}:{stage.address.port}"
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {place}\r\ncontent-length: 1000\r\n\r\n{{".encode()
    try:
        before = _total(await _counts(watch, engine))
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
        row.calls_after = _total(await _counts(watch, engine)) - before
    finally:
        watch.close()
        gateway.close()
    return row


async def leave_everywhere(stage: Stage, repeats: int, only: Sequence[str]) -> list[Leaving]:
    """Every moment that ``only`` names a part of, all of them where it is empty. The gateway must have one slot."""
    rows = []
    if _wanted(BODY, only):
        rows.append(await leave_body(stage, repeats))
    if _wanted(QUEUED, only):
        rows.append(await leave_queue(stage, repeats))
    return rows + [await leave_at(stage, moment, repeats) for moment in MOMENTS if _wanted(moment.name, only)]


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(part in name for part in only)


async def _until(moment: asyncio.Event, asked: "asyncio.Future[Any]") -> None:
    """Wait for the moment. Raises ``ChildFailure`` where the request ends before it."""
    waiting = asyncio.ensure_future(moment.wait())
    await asyncio.wait({waiting, asked}, timeout=_BUDGET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not moment.is_set():
        raise ChildFailure("the request never came to the step at which its client leaves")


async def _counts(watch: Connection, engine: Address) -> dict[str, int]:
    found: dict[str, int] = orjson.loads((await watch.ask(_get(engine, "/counts"))).body)
    return found


def _total(counts: Mapping[str, int]) -> int:
    return counts["open"] + counts["served"] + counts["cut_off"]


async def _idle(watch: Connection, engine: Address, since: float) -> float:
    """Ask the engine without a pause until it has nothing open. Raises ``ChildFailure``."""
    while (await _counts(watch, engine))["open"]:
        if perf_counter() - since > _BUDGET_SECONDS:
            raise ChildFailure("the engine never stops working")
    return perf_counter() - since


async def _gauge(gateway: Connection, address: Address, name: str, wanted: int) -> None:
    until = perf_counter() + _BUDGET_SECONDS
    while gauge((await gateway.ask(_get(address, "/metrics"))).body.decode(), name) != wanted:
        if perf_counter() > until:
            raise ChildFailure(f"{name} never becomes {wanted}")


def _get(address: Address, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: {address.host}:{address.port}\r\n\r\n".encode()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
