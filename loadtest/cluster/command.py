"""``python -m loadtest cluster --out FOLDER``: gateways and engines behind a TCP balancer, and one engine dies.

Invariant: 0 means measured, whatever the figures are; 1 that servers did not come up.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.arguments import count, new_folder, positive, positive_float
from loadtest.child import ChildFailure, stopping_on_sigterm
from loadtest.cluster.conversations import Shape
from loadtest.cluster.figures import figures
from loadtest.cluster.phases import Load, Run, Runner
from loadtest.cluster.processes import cluster
from loadtest.report import json_line
from loadtest.run.html import number, percent
from loadtest.standin.speed import SPEEDS

_SHAPE, _LOAD = Shape(), Load()
_GATEWAY = f"{sys.executable} -m service serve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--out", type=new_folder, required=True, help="folder for results and turns")
    parser.add_argument("--gateway", default=_GATEWAY, help="the command that serves a gateway (default: %(default)s)")
    parser.add_argument("--gateways", type=positive, default=2, help="how many (default: %(default)s)")
    parser.add_argument("--engines", type=positive, default=3, help="stand-ins (default: %(default)s)")
    parser.add_argument("--engine", action="append", default=[], help="URL of a real engine, once for each; none dies")
    parser.add_argument("--speed", choices=sorted(SPEEDS), default=min(SPEEDS), help="of stand-ins (%(default)s)")
    parser.add_argument("--draft-tokens", type=positive, default=60, help="mean of drafts (default: %(default)s)")
    parser.add_argument("--users", type=positive, default=_LOAD.users, help="at a time (default: %(default)s)")
    parser.add_argument("--seconds", type=positive_float, default=_LOAD.seconds, help="a phase (default: %(default)s)")
    parser.add_argument("--turns", type=positive, default=_SHAPE.turns, help="a conversation (default: %(default)s)")
    low, high = _SHAPE.thought_seconds
    parser.add_argument(
        "--thought-seconds", type=positive_float, nargs=2, default=(low, high), help=f"before a turn: {low:g} {high:g}"
    )
    parser.add_argument("--history-words", type=count, default=_SHAPE.history_words, help="of each: %(default)s")
    parser.add_argument("--seed", type=count, default=0, help="of what is said and thought over")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run, write and show."""
    low, high = options.thought_seconds
    shape = Shape(turns=options.turns, history_words=options.history_words, thought_seconds=(low, high))
    load = Load(options.users, options.seconds, shape, options.seed)
    real = {f"e{place}": url.rstrip("/") for place, url in enumerate(options.engine)}
    flags = ("--speed", options.speed, "--draft-tokens", str(options.draft_tokens))
    with tempfile.TemporaryDirectory(prefix="loadtest-") as logs, stopping_on_sigterm():
        try:
            with cluster(Path(logs), options.gateway, options.gateways, real, options.engines, flags) as running:
                seen = asyncio.run(Runner(running, load).run())
        except ChildFailure as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
    found = {"simulated": not real, "gateways": options.gateways, "engines": len(real) or options.engines}
    results = {**found, **figures(seen)}
    _write(options.out, results, seen)
    _show(results)
    if options.json:
        sys.stdout.write(json_line(results) + "\n")
    return 0


def _write(folder: Path, results: Mapping[str, Any], seen: Run) -> None:
    folder.mkdir(exist_ok=True)
    text = json.dumps(results, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    lines = [
        {
            "request_id": turn.request_id,
            "started": round(turn.started, 3),
            "seconds": round(turn.seconds, 3),
            "end": turn.end,
            "outcome": turn.outcome,
        }
        for turn in seen.turns
    ]
    rows = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "turns.jsonl").write_text(rows, encoding="utf-8")


def _show(results: Mapping[str, Any]) -> None:
    mark = "SIMULATED " if results["simulated"] else ""
    title = f"{mark}{results['gateways']} gateways, {results['engines']} engines; second and later turns"
    table = Table(title=title, title_justify="left")
    heads = ("phase", "turns", "hits", "of possible", "split turns", "cached", "engines cached", "p50/p99 s", "errors")
    for head in (*heads, "moves"):
        table.add_column(head, justify="left" if head == "phase" else "right")
    for name, found in results["phases"].items():
        placed = found["affinity"] or dict.fromkeys(("hit_rate", "hit_rate_of_possible", "split_turns"))
        cached = (placed if found["affinity"] else {"cached_share": found["cached_share_of_usage"]})["cached_share"]
        table.add_row(
            name,
            str(found["turns"]),
            percent(placed["hit_rate"]),
            percent(placed["hit_rate_of_possible"]),
            number(placed["split_turns"], 0),
            percent(cached),
            percent(found["cached_share_of_engines"]),
            f"{number(found['seconds_p50'], 2)} / {number(found['seconds_p99'], 2)}",
            _listed(found["errors"]),
            _listed(found["moves"]),
        )
    console = Console(file=sys.stdout, width=140, highlight=False)
    console.print(table)
    for engine, shares in results["shares_of_calls"].items():
        told = " ".join(f"{part:4.0%}" for part in shares)
        console.print(f"{engine}: share of calls, each {results['every_seconds']:.0f} s: {told}", markup=False)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
