"""``python -m loadtest overhead``: starts the stand-in engine and the servers before it, and measures them.

Invariant: whatever was started is stopped, however the run ends.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from loadtest.arguments import new_file, positive, positive_float, positives
from loadtest.child import ChildFailure, stopping_on_sigterm
from loadtest.overhead import STEADY, Plan, Stretch, idle_cpu_ms, measure, warm_up
from loadtest.overhead_report import write_tables
from loadtest.overhead_summary import summarise
from loadtest.pace import pace_ms
from loadtest.report import json_line, progress_bar
from loadtest.servers import ENGINE, GATEWAY, Running, serving
from loadtest.targets import TARGETS, Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    everything = ",".join(target.name for target in TARGETS)
    parser.add_argument("--targets", type=_targets, default=everything, help="default: %(default)s; engine always runs")
    parser.add_argument("--concurrency", type=positives, default="1,8,32", help="of the closed loops: %(default)s")
    parser.add_argument("--rate", type=positive_float, default=100.0, help="steady requests/s (default: %(default)s)")
    parser.add_argument("--requests", type=positive, default=400, help="at most, of each stretch: %(default)s")
    parser.add_argument(
        "--seconds", type=positive_float, default=1.5, help="of each closed loop; steady: twice it (%(default)s)"
    )
    parser.add_argument("--repeats", type=positive, default=3, help="times that all is measured (default: %(default)s)")
    parser.add_argument("--token-gap-ms", type=float, default=1.0, help="between the engine's tokens: %(default)s")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.add_argument("--out", type=new_file, help="write figures and every stretch of load to this file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure. Returns 0, or 1 where the engine or this project's gateway could not be measured."""
    plan = Plan(options.targets, options.concurrency, options.rate, options.requests, options.seconds, options.repeats)
    with tempfile.TemporaryDirectory(prefix="loadtest-") as logs, stopping_on_sigterm():
        try:
            flags = ("--token-gap-ms", str(options.token_gap_ms))
            with serving({target.server for target in plan.targets}, Path(logs), flags) as servers:
                measured = uvloop.run(_measured(plan, servers))
        except ChildFailure as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
    summary = _summary(plan, measured, options)
    _show(summary, measured.stretches, options)
    ours = {target.name for target in plan.targets if target.server in (ENGINE, GATEWAY)}
    return 1 if ours & set(measured.unavailable) else 0


@dataclass(slots=True)
class _Measured:
    """The stretches of load, why targets are not among them, and what else was seen of servers and machine."""

    unavailable: dict[str, str]
    stretches: list[Stretch] = field(default_factory=list)
    idle_cpu_ms: dict[str, float] = field(default_factory=dict)
    paces_ms: list[float] = field(default_factory=list)


async def _measured(plan: Plan, servers: Running) -> _Measured:
    unavailable = {t.name: servers.unavailable[t.server] for t in plan.targets if t.server in servers.unavailable}
    plan = plan.without(unavailable)
    found = _Measured(unavailable)
    with progress_bar() as bar:
        task = bar.add_task("warm-up", total=plan.steps)
        async for warmed in warm_up(plan, servers.children):
            if warmed.fault is not None:
                unavailable[warmed.target] = f"{warmed.kind}: {warmed.fault}"
            bar.advance(task)
        if ENGINE in unavailable:
            raise ChildFailure(f"the stand-in engine cannot be measured: {unavailable[ENGINE]}")
        plan = plan.without(unavailable)
        found.idle_cpu_ms = await idle_cpu_ms(servers.children)
        bar.update(task, total=plan.steps, description="overhead")
        async for stretch in measure(plan, servers.children):
            if stretch.repeat > len(found.paces_ms):
                found.paces_ms.append(pace_ms())
            found.stretches.append(stretch)
            bar.advance(task)
    return found


def _summary(plan: Plan, measured: _Measured, options: argparse.Namespace) -> dict[str, Any]:
    targets = summarise(measured.stretches, plan.rate)
    client = [row["detail"]["json"][STEADY]["client_cpu_ms"] for row in targets.values()]
    return {
        "targets": targets,
        "unavailable": {name: {"unavailable": why} for name, why in measured.unavailable.items()},
        "client_cpu_ms": round(median(client), 3) if client else None,
        "setup": {
            "rate": plan.rate,
            "concurrency": list(plan.concurrency),
            "requests": plan.requests,
            "seconds": plan.seconds,
            "repeats": plan.repeats,
            "token_gap_ms": options.token_gap_ms,
            "idle_cpu_ms_per_second": measured.idle_cpu_ms,
            "pace_ms": [round(pace, 1) for pace in measured.paces_ms],
        },
    }


def _show(summary: Mapping[str, Any], stretches: Sequence[Stretch], options: argparse.Namespace) -> None:
    write_tables(summary, sys.stdout)
    if options.json:
        sys.stdout.write(json_line(_flat(summary)) + "\n")
    if options.out:
        rows = [stretch.row() for stretch in stretches]
        written = json.dumps({**_flat(summary), "stretches": rows}, ensure_ascii=False, indent=1)
        options.out.write_text(written + "\n", encoding="utf-8")


def _flat(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the targets at the top, where programs look for them."""
    rest = {key: value for key, value in summary.items() if key != "targets"}
    return {**summary["targets"], **rest}


def _targets(text: str) -> tuple[Target, ...]:
    """Named targets in the order of the table, the engine always among them."""
    names = set(text.split(","))
    unknown = names - {target.name for target in TARGETS}
    if unknown:
        raise argparse.ArgumentTypeError(f"no target {', '.join(sorted(unknown))}")
    return tuple(target for target in TARGETS if target.name in names | {ENGINE})
