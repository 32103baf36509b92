"""``python -m loadtest faults --out FOLDER``: real processes killed, frozen, cut off and made to talk nonsense.

Invariant: 0 means that in no scenario anything hung, was lost or was left behind; 1 that something was, or that a
process did not come up.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import uvloop

from loadtest.arguments import http_address, new_folder, positive, positives
from loadtest.child import ChildFailure, stopping_on_sigterm
from loadtest.connection import Address
from loadtest.faults.drain import sigkill, sigterm
from loadtest.faults.leaving import BODY, MOMENTS, QUEUED, Asked, leave_everywhere
from loadtest.faults.networks import NoNamespaces, hosts
from loadtest.faults.report import Results, show
from loadtest.faults.scenario import SCENARIOS, NetworkFault, Scenario, play
from loadtest.faults.stage import Limits, Setting, staged, staged_before
from loadtest.faults.word import VLLM
from loadtest.questions import read_questions

_QUESTIONS = Path(__file__).parents[1] / "questions.jsonl"
SIGTERM, SIGKILL, LEAVING = "gateway_sigterm", "gateway_sigkill", "leaving"
# A step of the loop takes so long that a fault finds it under way.
QUICK_ENGINE = ("--token-gap-ms", "15", "--answer-delay-ms", "250")
# An answer of 17 pieces takes about 7 seconds, longer than the drain.
SLOW_ENGINE = ("--token-gap-ms", "400", "--answer-delay-ms", "200")
_ONE_SLOT = ("--max-in-flight", "1")
# Kept connections to engines are closed by then.
_IDLE_SECONDS = 12.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--out", type=new_folder, required=True, help="a new folder for results.json and logs")
    beside = Path(sys.executable).with_name("preceptor")
    parser.add_argument("--gateway", default=str(beside), help="the gateway's command, before `serve` (%(default)s)")
    parser.add_argument("--only", action="append", default=[], help="scenarios whose name has this in it; repeatable")
    parser.add_argument("--engines", type=positives, default=(1, 3), help="with how many engines (default: 1,3)")
    parser.add_argument("--streams", type=positive, default=200, help="open at SIGTERM (default: %(default)s)")
    parser.add_argument("--repeats", type=positive, default=50, help="clients that leave at each moment (%(default)s)")
    parser.add_argument(
        "--engine", type=http_address, help="URL of a real vLLM that clients leave; with `leaving` only"
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.set_defaults(run=run)


def names() -> list[str]:
    """All scenarios, as ``--only`` knows them."""
    moments = (BODY, QUEUED, *(moment.name for moment in MOMENTS))
    return [*(one.name for one in SCENARIOS), SIGTERM, SIGKILL, *(f"{LEAVING} {name}" for name in moments)]


def run(options: argparse.Namespace) -> int:
    """Run the chosen scenarios and write what became of them."""
    if options.list:
        sys.stdout.write("\n".join(names()) + "\n")
        return 0
    chosen = [name for name in names() if not options.only or any(part in name for part in options.only)]
    if not chosen:
        sys.stderr.write("no scenario has that in its name: see --list\n")
        return 2
    if options.engine and not all(name.startswith(LEAVING) for name in chosen):
        sys.stderr.write("a real engine is never killed or frozen: --engine goes with --only leaving\n")
        return 2
    options.out.mkdir(exist_ok=True)
    results = Results(Limits())
    try:
        with stopping_on_sigterm():
            uvloop.run(_all(options, chosen, results))
    except ChildFailure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    finally:
        (options.out / "results.json").write_text(json.dumps(results.as_json(), indent=1) + "\n", encoding="utf-8")
    show(results, sys.stdout)
    return 1 if results.wrong else 0


async def _all(options: argparse.Namespace, chosen: Sequence[str], results: Results) -> None:
    quick = Setting(shlex.split(options.gateway), results.limits, QUICK_ENGINE, options.out)
    scenarios = [one for one in SCENARIOS if one.name in chosen]
    for number in options.engines:
        await _play(quick, number, [one for one in scenarios if not _on_network(one)], results, network=False)
        await _play(quick, number, [one for one in scenarios if _on_network(one)], results, network=True)
    patient = replace(results.limits, deadline_s=60.0, engine_silence_s=30.0, engine_begin_s=60.0, engine_answer_s=60.0)
    slow = replace(quick, limits=patient, engine_flags=SLOW_ENGINE)
    if SIGTERM in chosen:
        results.endings.append(await sigterm(slow, options.streams))
    if SIGKILL in chosen:
        results.endings.append(await sigkill(slow, options.streams))
    moments = [name.removeprefix(f"{LEAVING} ") for name in chosen if name.startswith(LEAVING)]
    if moments and options.engine:
        asked = await real(options.engine)
        async with staged_before(replace(quick, limits=patient), options.engine, _ONE_SLOT) as stage:
            results.leavings += await leave_everywhere(stage, options.repeats, moments, asked)
    elif moments:
        async with staged(quick, 1, _ONE_SLOT) as stage:
            results.leavings += await leave_everywhere(stage, options.repeats, moments)


async def real(engine: Address) -> Asked:
    """What is asked of a real vLLM: the questions that come with the load test, of the first model that it serves.

    A small model is through a step of single tokens within milliseconds, so that clients leave at once.
    """
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        try:
            model = (await client.get(f"{engine.url}/v1/models")).json()["data"][0]["id"]
        except (httpx.HTTPError, ValueError, LookupError) as error:
            raise ChildFailure(f"{engine.url} names no model that it serves") from error
    conversations = [question.messages for question in read_questions(_QUESTIONS)]
    return Asked(conversations, model, VLLM, into_step_s=0.0, quiet_s=0.2)


def _on_network(scenario: Scenario) -> bool:
    return isinstance(scenario.fault, NetworkFault)


async def _play(
    setting: Setting, number: int, scenarios: Sequence[Scenario], results: Results, *, network: bool
) -> None:
    """Play all on one stage, the gateway on a host of its own where the network is to fail."""
    if not scenarios:
        return
    scene = f"{number} engines{' over a network' if network else ''}"
    with ExitStack() as stack:
        try:
            apart = stack.enter_context(hosts()) if network else None
        except NoNamespaces as why:
            results.not_run[f"{scene}: {', '.join(one.name for one in scenarios)}"] = str(why)
            return
        async with staged(setting, number, hosts=apart) as stage:
            for place, scenario in enumerate(scenarios, start=1):
                sys.stderr.write(f"{scene}: {place}/{len(scenarios)} {scenario.name}\n")
                results.rows.append(await play(stage, scenario))
            results.sockets[scene] = (await stage.settled(_IDLE_SECONDS, sockets=True)).sockets
