"""``python -m loadtest capacity``: requests a second for each GPU, and the replicas that a rate needs. All simulated.

Invariant: no figure without the assumptions that it rests on.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.arguments import count, fraction, new_file, positive, positive_float
from loadtest.capacity.plans import Plan, Shape
from loadtest.capacity.search import Found, Search, replicas
from loadtest.capacity.simulate import Replica, Simulated, Slo
from loadtest.report import json_line, progress_bar
from loadtest.standin.speed import SPEEDS, Limits

_SHAPE, _SLO = Shape(), Slo()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--speed", choices=sorted(SPEEDS), default=min(SPEEDS), help="which GPU (default: %(default)s)")
    parser.add_argument("--max-num-seqs", type=positive, help="sequences at once (default: the speed's own)")
    parser.add_argument("--target-rate", type=positive_float, default=10.0, help="requests/s to plan for (%(default)s)")
    parser.add_argument("--headroom", type=fraction, default=0.8, help="load of a replica (default: %(default)s)")
    parser.add_argument("--e2e-seconds", type=positive_float, default=_SLO.e2e_seconds, help="SLO: %(default)s")
    parser.add_argument("--first-answer-seconds", type=positive_float, help="SLO (default: as for the whole answer)")
    parser.add_argument("--share", type=fraction, default=_SLO.share, help="of requests within it: %(default)s")
    for name, default in asdict(_SHAPE).items():
        kind = positive if isinstance(default, int) else fraction
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help="of requests: %(default)s")
    parser.add_argument("--seconds", type=positive_float, default=400.0, help="simulated, each rate: %(default)s")
    parser.add_argument("--seed", type=count, default=0, help="of arrivals and lengths")
    parser.add_argument(
        "--no-priorities", dest="priorities", action="store_false", help="finishing steps wait behind drafts"
    )
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.add_argument("--out", type=new_file, help="write the figures to this file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search for each plan, and show what was found. 1 where no plan holds any rate, 2 for lengths that cannot be."""
    try:
        figures = plan_capacity(options)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _show(figures)
    if options.json:
        sys.stdout.write(json_line(figures) + "\n")
    if options.out:
        options.out.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0 if any(row["requests_per_second"] for row in figures["plans"].values()) else 1


def plan_capacity(options: argparse.Namespace) -> dict[str, Any]:
    """The figures, as JSON. Raises ``ValueError`` for a shape that cannot be, or that no KV cache holds."""
    speed = SPEEDS[options.speed]
    limits = replace(speed.limits, max_num_seqs=options.max_num_seqs or speed.limits.max_num_seqs)
    shape = Shape(**{name: getattr(options, name) for name in asdict(_SHAPE)})
    slo = Slo(options.first_answer_seconds or options.e2e_seconds, options.e2e_seconds, options.share)
    assumed = (*speed.assumptions, _limits_in_words(limits), *shape.assumptions(priorities=options.priorities))
    plans = {}
    with progress_bar() as bar:
        for plan in Plan:
            task = bar.add_task(plan.value, total=None)
            search = Search(Replica(speed, limits, shape, plan, options.priorities), slo, options.seconds, options.seed)
            found = search.run(partial(bar.advance, task))
            plans[plan.value] = _row(found, search.at(found), options)
    return {
        "simulated": True,
        "speed": speed.name,
        "slo": asdict(slo),
        "target_rate": options.target_rate,
        "headroom": options.headroom,
        "plans": plans,
        "assumptions": list(assumed),
        "shape": asdict(shape),
        "priorities": options.priorities,
        "seed": options.seed,
        "seconds": options.seconds,
    }


def _row(found: Found, at: Simulated | None, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "requests_per_second": found.held,
        "refused_at": found.refused,
        "replicas": replicas(options.target_rate, found.held, options.headroom),
        "first_answer_p50_seconds": at.first_answer(0.5) if at else None,
        "first_answer_p95_seconds": at.first_answer(0.95) if at else None,
        "e2e_p50_seconds": at.e2e(0.5) if at else None,
        "e2e_p95_seconds": at.e2e(0.95) if at else None,
        "mean_in_flight": at.mean_in_flight() if at else None,
        "mean_batch": at.mean_batch if at else None,
        "cached_share": at.cached_share if at else None,
        "preemptions": at.preemptions if at else None,
    }


def _limits_in_words(limits: Limits) -> str:
    return (
        f"max_num_seqs {limits.max_num_seqs}, max_num_batched_tokens {limits.max_num_batched_tokens}, "
        f"{limits.kv_blocks:,} blocks of KV cache"
    )


def _show(figures: Mapping[str, Any]) -> None:
    slo = figures["slo"]
    title = (
        f"SIMULATED {figures['speed']}: {slo['share']:.0%} of requests within {slo['e2e_seconds']:g} s, first word of "
        f"the answer within {slo['first_answer_seconds']:g} s"
    )
    table = Table(title=title, title_justify="left")
    columns = ("requests/s per GPU", f"GPUs for {figures['target_rate']:g}/s", "first word p50/p95 s", "e2e p50/p95 s")
    table.add_column("answers")
    for name in (*columns, "in flight", "batch", "cached"):
        table.add_column(name, justify="right")
    for name, row in figures["plans"].items():
        table.add_row(
            name,
            f"{row['requests_per_second']:.2f}",
            "-" if row["replicas"] is None else str(row["replicas"]),
            f"{_number(row['first_answer_p50_seconds'])} / {_number(row['first_answer_p95_seconds'])}",
            f"{_number(row['e2e_p50_seconds'])} / {_number(row['e2e_p95_seconds'])}",
            _number(row["mean_in_flight"]),
            _number(row["mean_batch"]),
            "-" if row["cached_share"] is None else f"{row['cached_share']:.0%}",
        )
    console = Console(file=sys.stdout, width=120, highlight=False)
    console.print(table)
    console.print(f"GPUs: each loaded to {figures['headroom']:.0%} of what it holds. Assumed:")
    for line in figures["assumptions"]:
        console.print(f"- {line}", markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
