"""One engine's fault at one step of the loop, met by three clients at once, and whether things are well again after it.

Invariant: a scenario's row says what each client got; what must never be is in ``wrong``, and a time is only ever
compared with what follows from the gateway's own time-outs.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import Any

from loadtest.child import ChildFailure
from loadtest.faults.client import End, Got, ask
from loadtest.faults.misdeeds import Misdeed
from loadtest.faults.stage import Engine, Left, Stage, all_ready
from loadtest.faults.tap import Plan
from loadtest.standin.answers import MODEL, REVISED_QUESTION

GUIDED_MODEL = "preceptor"
STEPS = ("draft", "rubric", "verdict", "edit")
RECOVERY_SECONDS = 60.0
_SETTLE_SECONDS = 10.0
_INTO_STEP_SECONDS = 0.1
_CLIENTS_AT_ONCE = 6
_PLAIN = {"model": MODEL, "messages": [{"role": "user", "content": REVISED_QUESTION}]}


class ProcessFault(StrEnum):
    """What is done to the engine's process."""

    KILLED = "killed"
    FROZEN = "frozen"


class NetworkFault(StrEnum):
    """What is done to the network between the gateway and all of its engines."""

    CABLE_CUT = "cable_cut"
    BLACKHOLE = "blackhole"
    """Packets are lost without a word, both ways."""


Fault = ProcessFault | NetworkFault | Misdeed


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, and the step at which the engine that is asked first for it falls sick."""

    fault: Fault
    step: str

    @property
    def name(self) -> str:
        """As it is picked on the command line."""
        return f"{self.fault.value}-{self.step}"


SCENARIOS = (
    *(Scenario(fault, step) for fault in (*ProcessFault, *NetworkFault) for step in ("draft", "verdict", "edit")),
    *(Scenario(fault, step) for fault in Misdeed for step in STEPS),
)


@dataclass(frozen=True, slots=True)
class Asking:
    """One kind of client."""

    name: str
    stream: bool
    strict: bool = False

    def body(self) -> dict[str, Any]:
        """Its request, whose draft lacks one criterion."""
        messages = [{"role": "user", "content": REVISED_QUESTION}]
        more = {"preceptor": {"strict": True}} if self.strict else {}
        return {"model": GUIDED_MODEL, "messages": messages, "stream": self.stream, **more}


ASKING = (Asking("stream", True), Asking("whole", False), Asking("strict", False, strict=True))


@dataclass(slots=True)
class Row:
    """One scenario's result; ``recovered_seconds`` from the fault's end to the next answer that is revised.

    ``all_well_seconds`` is when no engine's breaker was open any more.
    """

    fault: str
    step: str
    engines: int
    got: dict[str, Got] = field(default_factory=dict)
    left: Left | None = None
    recovered_seconds: float | None = None
    all_well_seconds: float | None = None
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The row as JSON has it; of an answer its number of words only."""
        got = {name: got_json(one) for name, one in self.got.items()}
        names = ("fault", "step", "engines", "recovered_seconds", "all_well_seconds", "wrong")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "got": got, "left": asdict(self.left) if self.left else None}


def got_json(got: Got) -> dict[str, Any]:
    """One client's end as JSON has it."""
    names = ("end", "status", "outcome", "reason", "code", "tokens", "pings")
    return {**{name: getattr(got, name) for name in names}, "seconds": round(got.seconds, 3)}


async def play(stage: Stage, scenario: Scenario) -> Row:
    """Have the fault happen to three clients, end it, and wait until the gateway serves as before."""
    row, plan = Row(scenario.fault.value, scenario.step, len(stage.engines)), Plan(scenario.step)
    if isinstance(scenario.fault, Misdeed):
        plan.misdeed = scenario.fault
    stage.plan(plan)
    budget = stage.limits.longest_seconds
    asked = {asking.name: asyncio.ensure_future(ask(stage.address, asking.body(), budget)) for asking in ASKING}
    try:
        sick = await _fallen_sick(stage, plan, scenario.fault, asked, budget)
        row.got = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
    finally:
        stage.plan(None)
        for task in asked.values():
            task.cancel()
    ended = perf_counter()
    if sick is not None:
        await _cured(stage, sick, scenario.fault)
    await _recovered(stage, row, ended)
    row.left = await stage.settled(_SETTLE_SECONDS)
    row.wrong += _wrong(row, reached=plan.reached.is_set())
    return row


async def _fallen_sick(
    stage: Stage, plan: Plan, fault: Fault, asked: Mapping[str, asyncio.Future[Got]], budget: float
) -> Engine | None:
    """Wait for the step, and do to its engine or the network what is to be done; None where the step never came."""
    reached = asyncio.ensure_future(plan.reached.wait())
    moments: list[asyncio.Future[Any]] = [reached, *asked.values()]
    await asyncio.wait(moments, timeout=budget, return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    if not plan.reached.is_set():
        return None
    sick = stage.sick(plan)
    if not isinstance(fault, Misdeed):
        await asyncio.sleep(_INTO_STEP_SECONDS)
        _strike(stage, sick, fault)
    return sick


def _strike(stage: Stage, sick: Engine, fault: ProcessFault | NetworkFault) -> None:
    match fault:
        case ProcessFault.KILLED:
            sick.kill()
        case ProcessFault.FROZEN:
            sick.freeze()
        case NetworkFault.CABLE_CUT:
            stage.network.cut()
        case NetworkFault.BLACKHOLE:
            stage.network.blackhole()


async def _cured(stage: Stage, sick: Engine, fault: Fault) -> None:
    if fault is ProcessFault.KILLED:
        await sick.back()
    elif fault is ProcessFault.FROZEN:
        sick.thaw()
    elif isinstance(fault, NetworkFault):
        stage.network.mend()


async def _recovered(stage: Stage, row: Row, since: float) -> None:
    """Ask until an answer is revised again, then until every engine is held to be well and asked by new clients."""
    while perf_counter() - since < RECOVERY_SECONDS:
        got = await ask(stage.address, ASKING[1].body(), stage.limits.longest_seconds)
        if (got.end, got.outcome) == (End.ANSWER, "revised"):
            row.recovered_seconds = round(perf_counter() - since, 3)
            break
        await asyncio.sleep(0.1)
    try:
        await all_ready(stage, RECOVERY_SECONDS)
        row.all_well_seconds = await _all_asked(stage, since)
    except ChildFailure as failure:
        row.wrong.append(str(failure))


async def _all_asked(stage: Stage, since: float) -> float:
    """Ask as ever new clients until no breaker is open: only a call closes one. Raises ``ChildFailure``."""
    asked = 0
    while await stage.breakers_closed() < len(stage.engines):
        if perf_counter() - since > RECOVERY_SECONDS:
            raise ChildFailure("a breaker stays open")
        bodies = [{**_PLAIN, "user": f"client-{asked + number}"} for number in range(_CLIENTS_AT_ONCE)]
        asked += len(bodies)
        await asyncio.gather(*(ask(stage.address, body, stage.limits.longest_seconds) for body in bodies))
    return round(perf_counter() - since, 3)


def _wrong(row: Row, *, reached: bool) -> list[str]:
    """What must never be."""
    found = [] if reached else ["the step was never reached"]
    for asking in ASKING:
        got = row.got[asking.name]
        if got.end not in _allowed(row, asking):
            found.append(f"{asking.name}: {got.end}")
        if got.end is End.ANSWER and not got.answer:
            found.append(f"{asking.name}: an empty answer")
        if got.end is End.ANSWER and asking.strict and got.outcome == "degraded":
            found.append(f"{asking.name}: degraded, though strict")
    if row.recovered_seconds is None:
        found.append(f"not recovered within {RECOVERY_SECONDS:g} s")
    if row.left is not None and row.left.work:
        found.append("left open")
    return found


def _allowed(row: Row, asking: Asking) -> set[End]:
    """A draft may fail, as an error; after it nothing costs a client its answer, unless it was strict.

    A client whose draft is still under way when the engine dies at another client's later step may fail as well.
    """
    failing = {End.STREAM_ERROR, End.ERROR} if asking.stream else {End.ERROR}
    if row.step == "draft" or asking.strict or row.fault not in set(Misdeed):
        return {End.ANSWER, *failing}
    return {End.ANSWER}
