"""The command line: ``python -m loadtest`` and the name of a measurement.

Invariant: 0 means measured, 1 that nothing could be, 2 that it was wrongly asked.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest import disconnects_command, overhead_command
from loadtest.arguments import count, new_file, positive
from loadtest.arms import Arms
from loadtest.capacity import command as capacity_command
from loadtest.client import CallFailure, Client, Sampling
from loadtest.cluster import command as cluster_command
from loadtest.faults import command as faults_command
from loadtest.latency import Failure, Measurement, Plan, measure, warm_up
from loadtest.profile import ProfileError, load_profile
from loadtest.questions import QuestionsError, choose, read_questions
from loadtest.report import json_line, progress_bar, write_tables
from loadtest.run import command as load_command
from loadtest.summary import summarise
from loadtest.trial import command as trial_command

QUESTIONS = Path(__file__).parent / "questions.jsonl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(argv)
    try:
        status: int = options.run(options)
        return status
    except (ProfileError, QuestionsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except CallFailure as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run_latency(options: argparse.Namespace) -> int:
    return asyncio.run(_latency(options))


async def _latency(options: argparse.Namespace) -> int:
    profile = load_profile(options.profile)
    timed, warmup = choose(read_questions(options.questions), options.requests, options.warmup, options.seed)
    if len(timed) < options.requests:
        sys.stderr.write(f"only {len(timed)} questions in {options.questions.name}\n")
    plan = Plan(timed, warmup, options.repeats, Sampling(options.temperature, options.seed, options.max_tokens))
    async with Client(options.url, options.timeout) as client:
        plain = options.plain or await _other_model(client, options.guided)
        measured, failures = await _run(Arms(client, options.guided, plain, profile), plan)
    for failure in failures:
        sys.stderr.write(f"{failure.question}, repeat {failure.repeat}: {failure.reason}\n")
    if not measured:
        raise CallFailure("no question could be measured")
    setup = {
        "guided": options.guided,
        "plain": plain,
        "profile": profile.name,
        "questions": options.questions.name,
        "warmup": len(warmup),
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
    }
    _show({**summarise(measured, failures, options.seed), "setup": setup}, measured, failures, options)
    return 0


async def _other_model(client: Client, guided: str) -> str:
    names = [name for name in await client.models() if name != guided]
    if not names:
        raise CallFailure(f"/v1/models lists no model besides {guided}: is the engine up?")
    return names[0]


async def _run(arms: Arms, plan: Plan) -> tuple[list[Measurement], list[Failure]]:
    measured: list[Measurement] = []
    failures: list[Failure] = []
    with progress_bar() as bar:
        task = bar.add_task("warm-up", total=plan.steps)
        async for _ in warm_up(arms, plan):
            bar.advance(task)
        bar.update(task, description="latency")
        async for result in measure(arms, plan):
            if isinstance(result, Failure):
                failures.append(result)
            else:
                measured.append(result)
            bar.advance(task)
    return measured, failures


def _show(
    summary: dict[str, Any],
    measured: Sequence[Measurement],
    failures: Sequence[Failure],
    options: argparse.Namespace,
) -> None:
    write_tables(summary, sys.stdout)
    if options.json:
        sys.stdout.write(json_line(summary) + "\n")
    if options.out:
        left_out = [{"question": f.question, "repeat": f.repeat, "reason": f.reason} for f in failures]
        everything = {**summary, "rows": [m.row() for m in measured], "left_out": left_out}
        options.out.write_text(json.dumps(everything, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_latency(commands.add_parser("latency", help="plain, guided and textbook answers, paired, on one engine"))
    overhead_command.add_arguments(commands.add_parser("overhead", help="what gateways cost beside a stand-in engine"))
    disconnects_command.add_arguments(commands.add_parser("disconnects", help="what clients that leave leave behind"))
    load_command.add_run_arguments(
        commands.add_parser("run", help="an open loop of a profile against gateways or engines")
    )
    load_command.add_report_arguments(commands.add_parser("report", help="the report of a run, made anew"))
    trial_command.add_arguments(
        commands.add_parser("soak", help="half an hour at 80%% of capacity, servers started for it"), trial_command.SOAK
    )
    trial_command.add_arguments(
        commands.add_parser("overload", help="five times the capacity, servers started for it"), trial_command.OVERLOAD
    )
    cluster_command.add_arguments(
        commands.add_parser("cluster", help="gateways and engines behind a balancer, one engine killed on the way")
    )
    capacity_command.add_arguments(commands.add_parser("capacity", help="requests/s per GPU, simulated"))
    faults_command.add_arguments(commands.add_parser("faults", help="what clients get when real processes fail"))
    return parser


def _add_latency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the gateway (default: %(default)s)")
    parser.add_argument("--guided", default="preceptor", help="model name of guided answers (default: %(default)s)")
    parser.add_argument("--plain", help="the engine's own model name (default: the first other one that is listed)")
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="JSON lines with id and messages")
    parser.add_argument("--requests", type=positive, default=40, help="questions to time (default: %(default)s)")
    parser.add_argument("--warmup", type=count, default=3, help="questions put untimed before (default: %(default)s)")
    parser.add_argument("--repeats", type=positive, default=3, help="times that each is put (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=0.8, help="of the drafts (default: %(default)s)")
    parser.add_argument("--max-tokens", type=positive, default=400, help="of each answer (default: %(default)s)")
    parser.add_argument("--profile", default="bundled", help="the textbook's words: FILE.toml, bundled, plain_english")
    parser.add_argument("--seed", type=int, default=0, help="of choice, drafts and bootstrap (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one call (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.add_argument("--out", type=new_file, help="write figures and every measurement to this file")
    parser.set_defaults(run=_run_latency)
