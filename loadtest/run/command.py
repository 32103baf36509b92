"""``python -m loadtest run PROFILE --target URL --out FOLDER`` and ``python -m loadtest report FOLDER``.

Invariant: 0 means measured, whatever the figures are; a target that does not answer before the run is 1.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.arguments import key_in, new_folder, positive_float
from loadtest.connection import NO_KEY
from loadtest.questions import read_questions
from loadtest.report import json_line
from loadtest.run.html import number, percent
from loadtest.run.measure import Asked, measure
from loadtest.run.profile import load_profile
from loadtest.run.results import ResultsError, write_report, write_results

QUESTIONS = Path(__file__).parents[1] / "questions.jsonl"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``."""
    parser.add_argument("profile", help="FILE.toml, or the name of one of loadtest/profiles/load")
    parser.add_argument("--target", action="append", required=True, type=_named_url, help="[NAME=]URL; once or more")
    parser.add_argument("--scrape", action="append", default=[], type=_named_url, help="[NAME=]URL of an engine")
    parser.add_argument("--out", type=new_folder, required=True, help="folder for results and report")
    parser.add_argument("--rate", type=positive_float, help="requests/s, in the place of the profile's")
    parser.add_argument("--seconds", type=positive_float, help="shorten or lengthen all stages to so much in all")
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="of guided requests: JSON lines")
    parser.add_argument("--key-file", type=key_in, dest="key", help="file that holds an API key for targets")
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    parser.set_defaults(run=run)


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``report``."""
    parser.add_argument("folder", type=Path, help="a folder that run has written")
    parser.set_defaults(run=report)


def run(options: argparse.Namespace) -> int:
    """Run. Raises ``ProfileError``, ``QuestionsError`` or ``CallFailure``."""
    profile = load_profile(options.profile).changed(rate=options.rate, seconds=options.seconds)
    names = _unique([name for name, _ in (*options.target, *options.scrape)])
    urls = [url for _, url in (*options.target, *options.scrape)]
    named = list(zip(names, urls, strict=True))
    asked = Asked(
        name=Path(options.profile).stem,
        profile=profile,
        targets=dict(named[: len(options.target)]),
        engines=dict(named[len(options.target) :]),
        questions=read_questions(options.questions),
        key=options.key or NO_KEY,
    )
    results, rows = uvloop.run(measure(asked))
    options.out.mkdir(exist_ok=True)
    write_results(options.out, results, rows)
    show(results)
    sys.stdout.write(f"{options.out / 'report.html'}\n")
    if options.json:
        sys.stdout.write(
            json_line({key: results[key] for key in ("simulated", "interrupted", "targets", "scraped")}) + "\n"
        )
    return 0


def report(options: argparse.Namespace) -> int:
    """Make a report anew; 2 where there is nothing to make it from."""
    try:
        sys.stdout.write(f"{write_report(options.folder)}\n")
    except ResultsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def show(results: Mapping[str, Any]) -> None:
    """Write the tables of a run to stdout: latencies, then goodput and overhead by kind of request."""
    marks = "".join(f"{mark.upper()} " for mark in ("interrupted", "simulated") if results[mark])
    title = f"{marks}{results['profile_name']}"
    table = Table(title=title, title_justify="left")
    table.add_column("target")
    columns = ("requests", "goodput/s", "good", "ttfb p50/p99 s", "answer p50/p99 s", "e2e p50/p99 s", "ITL p50/p99 ms")
    for column in columns:
        table.add_column(column, justify="right")
    for name, found in results["targets"].items():
        pairs = [
            f"{number(found[measure]['p50'], digits)} / {number(found[measure]['p99'], digits)}"
            for measure, digits in (("ttfb_seconds", 3), ("first_answer_seconds", 2), ("e2e_seconds", 2), ("itl_ms", 1))
        ]
        good = number(found["goodput_per_second"], 2), percent(found["goodput_share"])
        table.add_row(name, str(found["requests"]), *good, *pairs)
    console = Console(file=sys.stdout, width=120, highlight=False)
    console.print(table)
    for name, found in results["targets"].items():
        ends = ", ".join(f"{end} {count}" for end, count in found["ends"].items())
        console.print(f"{name}: {ends}", markup=False)
        console.print(_by_kind(name, found["kinds"]))


def _by_kind(name: str, kinds: Mapping[str, Any]) -> Table:
    table = Table(title=f"{name}, by kind of request", title_justify="left")
    table.add_column("kind")
    columns = ("requests", "goodput/s", "good", "of those accepted", "overhead p50/p99 ms", "e2e p50/p99 s")
    for column in columns:
        table.add_column(column, justify="right")
    for kind, found in kinds.items():
        pairs = [
            f"{number(found[measure]['p50'], digits)} / {number(found[measure]['p99'], digits)}"
            for measure, digits in (("overhead_ms", 1), ("e2e_seconds", 2))
        ]
        good = number(found["goodput_per_second"], 2), percent(found["goodput_share"])
        accepted = percent(found["goodput_share_of_accepted"])
        table.add_row(kind, str(found["requests"]), *good, accepted, *pairs)
    return table


def _named_url(text: str) -> tuple[str, str]:
    """``NAME=URL`` or ``URL``."""
    name, separator, url = text.partition("=")
    if not separator or "/" in name:
        name, url = "", text
    if not url.startswith("http://"):
        raise argparse.ArgumentTypeError(f"{url} needs to be http://HOST:PORT")
    url = url.rstrip("/")
    return name or url.removeprefix("http://"), url


def _unique(names: Sequence[str]) -> list[str]:
    """The same names, a number after those that are there already."""
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name} ({found.count(name) + 1})")
    return found
