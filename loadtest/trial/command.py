"""``python -m loadtest soak --out FOLDER`` and ``overload``: both servers started, loaded, looked at idle, stopped.

Invariant: 0 means measured and nothing left behind; 1 that servers did not come up or something was left.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.arguments import count, new_folder, positive, positive_float
from loadtest.child import Child, ChildFailure, stopping_on_sigterm
from loadtest.client import CallFailure
from loadtest.questions import read_questions
from loadtest.report import json_line
from loadtest.run.command import QUESTIONS, show
from loadtest.run.html import number, percent
from loadtest.run.measure import Asked, measure
from loadtest.run.profile import LoadProfile, load_profile
from loadtest.run.results import write_results
from loadtest.servers import before, standin
from loadtest.standin.answers import ACCEPTED_QUESTION, REVISED_QUESTION
from loadtest.standin.speed import SPEEDS
from loadtest.trial.idle import difference, left_behind, settled
from loadtest.trial.told import told

SOAK, OVERLOAD = "soak", "overload"
_WARM_UP_TIMEOUT_SECONDS = 120.0


def add_arguments(parser: argparse.ArgumentParser, profile: str) -> None:
    """Add the options of one of the two commands."""
    parser.add_argument("--out", type=new_folder, required=True, help="folder for results and report")
    parser.add_argument("--rate", type=positive_float, help="the capacity, in the place of the profile's requests/s")
    parser.add_argument("--seconds", type=positive_float, help="shorten or lengthen all stages to so much in all")
    parser.add_argument("--speed", choices=sorted(SPEEDS), default=min(SPEEDS), help="of the engine (%(default)s)")
    parser.add_argument("--draft-tokens", type=positive, default=600, help="mean of drafts (default: %(default)s)")
    parser.add_argument("--engine-nice", type=count, default=5, help="how far the engine yields (default: %(default)s)")
    parser.add_argument("--max-in-flight", type=positive, default=40, help="the gateway's (default: %(default)s)")
    parser.add_argument("--max-queued", type=count, default=8, help="the gateway's (default: %(default)s)")
    parser.add_argument("--queue-wait-s", type=positive_float, default=2.0, help="the gateway's (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.set_defaults(run=run, profile=profile)


def run(options: argparse.Namespace) -> int:
    """Run. Raises ``ProfileError`` or ``CallFailure``."""
    profile = load_profile(options.profile).changed(rate=options.rate, seconds=options.seconds)
    engine_flags = ("--speed", options.speed, "--draft-tokens", str(options.draft_tokens))
    names = ("max_in_flight", "max_queued", "queue_wait_s")
    flags = [word for name in names for word in (f"--{name.replace('_', '-')}", f"{getattr(options, name):g}")]
    with tempfile.TemporaryDirectory(prefix="loadtest-") as logs, stopping_on_sigterm():
        try:
            with (
                standin(Path(logs), engine_flags, niceness=options.engine_nice) as engine,
                before(engine, Path(logs), flags) as gateway,
            ):
                results, rows, left = _measured(options.profile, profile, engine, gateway)
        except ChildFailure as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
    results["command"] = {name: getattr(options, name) for name in ("speed", "draft_tokens", "engine_nice", *names)}
    options.out.mkdir(exist_ok=True)
    write_results(options.out, results, rows)
    _show(results, left)
    sys.stdout.write(f"{options.out / 'report.html'}\n")
    if options.json:
        kept = ("simulated", "interrupted", "targets", "scraped", "idle", "gateway")
        sys.stdout.write(json_line({**{key: results[key] for key in kept}, "left_behind": left}) + "\n")
    return 1 if left else 0


def _measured(
    name: str, profile: LoadProfile, engine: Child, gateway: Child
) -> tuple[dict[str, Any], Sequence[Any], list[str]]:
    _warm_up(gateway)
    was, first = settled(engine, gateway), _metrics(gateway)
    targets, engines = {"gateway": gateway.address.url}, {"engine": engine.address.url}
    results, rows = uvloop.run(measure(Asked(name, profile, targets, engines, read_questions(QUESTIONS))))
    now, last = settled(engine, gateway), _metrics(gateway)
    results["idle"] = {"before": was.as_json(), "after": now.as_json(), "difference": difference(was, now)}
    results["gateway"] = told(first, last)
    return results, rows, left_behind(was, now)


def _warm_up(gateway: Child) -> None:
    """Have everything loaded that a first request loads. Raises ``CallFailure``."""
    with httpx.Client(base_url=gateway.address.url, timeout=_WARM_UP_TIMEOUT_SECONDS, trust_env=False) as client:
        for question in (ACCEPTED_QUESTION, REVISED_QUESTION):
            body = {"model": "preceptor", "messages": [{"role": "user", "content": question}]}
            reply = client.post("/v1/chat/completions", json=body)
            if reply.status_code != httpx.codes.OK:
                raise CallFailure(f"the gateway answers {reply.status_code} to the warm-up")


def _metrics(gateway: Child) -> str:
    return httpx.get(f"{gateway.address.url}/metrics", timeout=10.0, trust_env=False).text


def _show(results: Mapping[str, Any], left: Sequence[str]) -> None:
    show(results)
    console = Console(file=sys.stdout, width=120, highlight=False)
    for table in (
        _stages(results["targets"]["gateway"]["stages"]),
        _growth(results["scraped"]["gateway"]),
        _held(results["idle"]),
        _own(results["gateway"], results["targets"]["gateway"]),
    ):
        console.print(table)
    console.print("; ".join(left) or "nothing left behind", markup=False)


def _stages(stages: Mapping[str, Any]) -> Table:
    heads = ("requests", "refused", "good of those accepted", "e2e p50/p99 s", "last miss, s into the stage")
    return _table(
        "stages",
        heads,
        {
            name: (
                str(found["requests"]),
                str(found["ends"].get("refused", 0)),
                percent(found["goodput_share_of_accepted"]),
                f"{number(found['e2e_seconds']['p50'], 1)} / {number(found['e2e_seconds']['p99'], 1)}",
                number(found["last_miss_seconds_into"], 1),
            )
            for name, found in stages.items()
        },
    )


def _growth(scraped: Mapping[str, Any]) -> Table:
    series = ("process_resident_memory_bytes", "process_open_fds", "preceptor_event_loop_tasks")
    rows = {}
    for name in series:
        if name in scraped:
            scale = 1e6 if name.endswith("_bytes") else 1.0
            keys = ("first", "last", "greatest", "slope_per_hour", "slope_low", "slope_high")
            values = [scraped[name][key] for key in keys]
            rows[name.replace("_bytes", "_mb")] = [number(v if v is None else v / scale, 1) for v in values]
    return _table("growth", ("first", "last", "greatest", "an hour", "95% from", "to"), rows)


def _held(idle: Mapping[str, Mapping[str, float]]) -> Table:
    rows = {
        name: (f"{idle['before'][name]:g}", f"{idle['after'][name]:g}", f"{by:+g}")
        for name, by in idle["difference"].items()
    }
    return _table("idle", ("before", "after", "difference"), rows)


def _own(gateway: Mapping[str, Any], seen: Mapping[str, Any]) -> Table:
    """Milliseconds: what the gateway says of itself, and what the client saw of refusals."""
    spans = {name.removesuffix("_seconds"): found for name, found in gateway.items() if isinstance(found, Mapping)}
    spans |= {
        "client: refused, from the scheduled arrival": seen["refused_seconds"],
        "client: refused, from sending": seen["refused_from_sent_seconds"],
        "client: send lag": seen["send_lag_seconds"],
    }
    rows = {
        name: [number(found[share] if found[share] is None else found[share] * 1000, 2) for share in ("p50", "p99")]
        for name, found in spans.items()
    }
    return _table("the gateway's own word, and the client's", ("p50 ms", "p99 ms"), rows)


def _table(title: str, heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table
