"""``python -m loadtest disconnects``: many clients that leave, and a look at what they leave behind.

Invariant: 0 means that nothing was left behind and every client that stayed got the right reply.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.arguments import count, positive, positive_float
from loadtest.child import Child, ChildFailure, stopping_on_sigterm
from loadtest.disconnects import Visit, Visits, visit_all, visits
from loadtest.leftovers import State, left_behind, settled
from loadtest.report import json_line
from loadtest.servers import ENGINE, GATEWAY, serving
from loadtest.targets import TARGETS

_WARM_UP_CLIENTS = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--requests", type=positive, default=10_000, help="clients in all (default: %(default)s)")
    parser.add_argument("--concurrency", type=positive, default=32, help="clients at a time (default: %(default)s)")
    parser.add_argument("--token-gap-ms", type=positive_float, default=5.0, help="engine's tokens: %(default)s")
    parser.add_argument("--answer-delay-ms", type=positive_float, default=40.0, help="engine's answers: %(default)s")
    parser.add_argument("--longest-ms", type=positive_float, default=300.0, help="latest leave (default: %(default)s)")
    parser.add_argument("--tolerance-mib", type=positive_float, default=10.0, help="growth allowed in the second half")
    parser.add_argument("--seed", type=count, default=0, help="of who asks what and leaves when")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run. Returns 0, or 1 where something was left behind, a reply was wrong, or the servers did not come up."""
    targets = [target for target in TARGETS if target.server == GATEWAY]
    longest = options.longest_ms / 1000
    warm_up = visits(targets, _WARM_UP_CLIENTS, longest, options.seed + 1)
    clients = visits(targets, options.requests, longest, options.seed)
    flags = ("--token-gap-ms", str(options.token_gap_ms), "--answer-delay-ms", str(options.answer_delay_ms))
    with tempfile.TemporaryDirectory(prefix="loadtest-") as logs, stopping_on_sigterm():
        try:
            with serving({GATEWAY}, Path(logs), flags) as servers:
                engine, gateway = servers.children[ENGINE], servers.children[GATEWAY]
                states, outcome = _run(engine, gateway, warm_up, clients, options.concurrency)
        except ChildFailure as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
    found = left_behind(*states, options.tolerance_mib)
    found += [f"{number} x wrong reply: {fault}" for fault, number in outcome.faults.items()]
    _show(states, outcome, found, options)
    return 1 if found else 0


def _run(
    engine: Child, gateway: Child, warm_up: Sequence[Visit], clients: Sequence[Visit], concurrency: int
) -> tuple[tuple[State, State, State], Visits]:
    """The states before, after half of the clients, and after all of them."""
    uvloop.run(visit_all(gateway.address, warm_up, concurrency))
    before = settled(engine, gateway)
    middle = len(clients) // 2
    outcome = uvloop.run(visit_all(gateway.address, clients[:middle], concurrency))
    half = settled(engine, gateway, before.sockets)
    outcome += uvloop.run(visit_all(gateway.address, clients[middle:], concurrency))
    return (before, half, settled(engine, gateway, before.sockets)), outcome


def _show(
    states: tuple[State, State, State], outcome: Visits, found: Sequence[str], options: argparse.Namespace
) -> None:
    rows = dict(zip(("before", "half", "after"), (state.as_json() for state in states), strict=True))
    table = Table(title=f"{options.requests} clients: {outcome.left} left, {outcome.answered} stayed")
    table.add_column("")
    for name in rows:
        table.add_column(name, justify="right")
    for key in rows["before"]:
        table.add_row(key, *(f"{row[key]:g}" for row in rows.values()))
    console = Console(file=sys.stdout, width=120, highlight=False)
    console.print(table)
    for line in found or ["nothing left behind"]:
        console.print(line, markup=False)
    if options.json:
        told: dict[str, Any] = {"left": outcome.left, "answered": outcome.answered, "left_behind": list(found)}
        sys.stdout.write(json_line({**told, "states": rows, "requests": options.requests}) + "\n")
