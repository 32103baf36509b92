"""The gateway's own end: told to stop with streams open, or killed.

Invariant: what is told of a stream's end is counted in the stream itself, and of the engine's at the engine.
"""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpx

from loadtest.child import ChildFailure, free_address, running
from loadtest.connection import Address
from loadtest.faults.client import End, Got, ask
from loadtest.faults.stage import GATEWAY_SECONDS, Setting, counts, engines
from loadtest.quantiles import gauge
from loadtest.standin.answers import ACCEPTED_QUESTION, MODEL

# Part of the drain, by the gateway's contract: what is left is cut off and told so in the last second of it.
CLOSING_SECONDS = 1.0
_LATE_SECONDS = 3.0
APART_SECONDS = 4.0
_BUDGET_SECONDS = 60.0
_POLL_SECONDS = 0.005


@dataclass(slots=True)
class Ending:
    """What became of all streams; seconds from the signal."""

    fault: str
    streams: int
    ends: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return {
            "fault": self.fault, "streams": self.streams, "ends": dict(self.ends),
            "facts": self.facts, "wrong": self.wrong,
        }  # fmt: skip

    def must(self, fact: object, what: str) -> None:
        """Note what should have been and was not."""
        if not fact:
            self.wrong.append(what)


def bodies(number: int) -> list[dict[str, Any]]:
    """Streams of three kinds: passed through, the loop's draft as it is written, guided with its draft accepted."""
    messages = [{"role": "user", "content": ACCEPTED_QUESTION}]
    kinds: tuple[dict[str, Any], ...] = (
        {"model": MODEL},
        {"model": "preceptor", "preceptor": {"rounds": 0}},
        {"model": "preceptor"},
    )
    return [{**kinds[place % len(kinds)], "messages": messages, "stream": True} for place in range(number)]


async def sigterm(setting: Setting, streams: int, apart_seconds: float = APART_SECONDS) -> Ending:
    """Half of the streams can end within the drain, the other half begin ``apart_seconds`` later and cannot.

    The stand-in's answer has 17 pieces: with 0.4 s between them it takes about 7 s.
    """
    ending = Ending("gateway_sigterm", streams)
    async with engines(1, setting.logs, setting.engine_flags) as (engine,):
        own = free_address()
        words = setting.gateway_words(own, [engine.tap.engine], _room(streams))
        with running(words, own, setting.logs / "gateway-drain.log") as child:
            await asyncio.to_thread(child.await_answer, "/readyz", GATEWAY_SECONDS)
            early = [asyncio.ensure_future(ask(own, body, _BUDGET_SECONDS)) for body in bodies(streams // 2)]
            await asyncio.sleep(apart_seconds)
            late = [asyncio.ensure_future(ask(own, body, _BUDGET_SECONDS)) for body in bodies(streams // 2)]
            await _all_open(own, engine.tap.engine, streams)
            told = perf_counter()
            child.process.send_signal(signal.SIGTERM)
            ending.facts["while_draining"] = await _while_draining(own)
            got = await asyncio.gather(*early), await asyncio.gather(*late)
            status = await asyncio.to_thread(child.process.wait, _BUDGET_SECONDS)
            ending.facts |= {"exit_status": status, "exit_seconds": round(perf_counter() - told, 3)}
        left = (await counts(engine.tap.engine))["open"]
    _judge_drain(ending, setting, *got, told)
    ending.must(left == 0, f"{left} calls left at the engine")
    return ending


async def sigkill(setting: Setting, streams: int) -> Ending:
    """All streams are open when the gateway dies; a new one takes its place at the same address."""
    ending = Ending("gateway_sigkill", streams)
    async with engines(1, setting.logs, setting.engine_flags) as (engine,):
        own = free_address()
        words = setting.gateway_words(own, [engine.tap.engine], _room(streams))
        with running(words, own, setting.logs / "gateway-killed.log") as child:
            await asyncio.to_thread(child.await_answer, "/readyz", GATEWAY_SECONDS)
            asked = [asyncio.ensure_future(ask(own, body, _BUDGET_SECONDS)) for body in bodies(streams)]
            await _all_open(own, engine.tap.engine, streams)
            died = perf_counter()
            os.kill(child.pid, signal.SIGKILL)
            got = await asyncio.gather(*asked)
            ending.facts["engine_idle_seconds"] = await _idle(engine.tap.engine, died)
        restarted = perf_counter()
        with running(words, own, setting.logs / "gateway-again.log") as child:
            await asyncio.to_thread(child.await_answer, "/readyz", GATEWAY_SECONDS)
            ending.facts["ready_again_seconds"] = round(perf_counter() - restarted, 3)
            again = await ask(own, bodies(3)[2], _BUDGET_SECONDS)
            ending.facts["answered_again_seconds"] = round(perf_counter() - restarted, 3)
        ending.facts["calls"] = await counts(engine.tap.engine)
    ending.ends = Counter(one.end.value for one in got)
    ending.facts["clients_know_seconds"] = round(max(one.ended for one in got) - died, 3)
    ending.must(ending.ends == {End.CUT.value: streams}, f"ends: {dict(ending.ends)}")
    ending.must(again.end is End.ANSWER and again.outcome == "accepted", f"after the restart: {again.end}")
    ending.must(ending.facts["engine_idle_seconds"] is not None, "the engine still works for the dead gateway")
    return ending


def _judge_drain(ending: Ending, setting: Setting, early: list[Got], late: list[Got], told: float) -> None:
    ending.ends = Counter(one.end.value for one in (*early, *late))
    cut = [one.ended - told for one in late if one.end is not End.ANSWER]
    ending.facts["first_cut_seconds"] = round(min(cut), 3) if cut else None
    ending.facts["last_end_seconds"] = round(max(one.ended for one in (*early, *late)) - told, 3)
    allowed = setting.limits.drain_s
    whole = {one.end for one in early}
    ending.must(whole == {End.ANSWER}, f"streams that fit ended as {sorted(whole)}")
    rest = {one.end for one in late}
    # On a busy machine the signal comes later than planned, and some of the late streams fit as well.
    ending.must(rest <= {End.STREAM_ERROR, End.ANSWER}, f"streams begun late ended as {sorted(rest)}")
    ending.must(End.STREAM_ERROR in rest, "no stream was longer than the drain")
    codes = {one.code for one in late if one.end is End.STREAM_ERROR}
    ending.must(codes == {"shutting_down"}, f"their error: {sorted(codes)}")
    ending.must(not cut or min(cut) >= allowed - CLOSING_SECONDS, "a stream was cut before its time")
    ending.must(ending.facts["exit_seconds"] <= allowed + _LATE_SECONDS, "the gateway outlived its drain")
    ending.must(ending.facts["exit_status"] == 0, f"exit status {ending.facts['exit_status']}")
    ending.must(ending.facts["while_draining"] == [503, 503], "a draining gateway did not say 503")


def _room(streams: int) -> tuple[str, str]:
    """The gateway's flags that let so many streams be under way at one engine."""
    return "--max-in-flight", str(streams)


async def _while_draining(own: Address) -> list[int]:
    """What readiness and a new request are told."""
    async with httpx.AsyncClient(base_url=own.url, timeout=5.0, trust_env=False) as client:
        ready = await client.get("/readyz")
        asked = await client.post("/v1/chat/completions", json=bodies(1)[0])
    return [ready.status_code, asked.status_code]


async def _all_open(own: Address, engine: Address, streams: int) -> None:
    """Wait until the gateway serves so many requests and the engine has as many calls. Raises ``ChildFailure``.

    The engine's word alone will not do: a guided stream makes two calls at once, its draft's and its rubric's.
    """
    until = perf_counter() + _BUDGET_SECONDS / 2
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            served = gauge((await client.get(f"{own.url}/metrics")).text, "preceptor_in_flight_requests") or 0
            if served >= streams and (await counts(engine))["open"] >= streams:
                return
            if perf_counter() > until:
                raise ChildFailure(f"{streams} streams did not open: the gateway serves {served:.0f}")
            await asyncio.sleep(_POLL_SECONDS)


async def _idle(engine: Address, since: float) -> float | None:
    """Seconds until the engine has nothing open; None where it still has after ten."""
    while perf_counter() - since < 10.0:
        if not (await counts(engine))["open"]:
            return round(perf_counter() - since, 3)
        await asyncio.sleep(_POLL_SECONDS)
    return None
