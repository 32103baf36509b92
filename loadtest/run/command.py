"""``python -m loadtest run PROFILE --target URL --out FOLDER`` and ``python -m loadtest report FOLDER``.

Invariant: 0 means measured, whatever the figures are; a target that does not answer before the run is 1. A run that is
interrupted (Ctrl-C, SIGTERM) writes what it has, and says that it was.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from loadtest.arguments import key_in, new_folder, positive_float
from loadtest.connection import NO_KEY
from loadtest.questions import read_questions
from loadtest.report import json_line
from loadtest.run.drive import Target, bearer, drive, known_target
from loadtest.run.figures import figures
from loadtest.run.gaps import Gaps
from loadtest.run.html import number, percent
from loadtest.run.plan import plan
from loadtest.run.profile import LoadProfile, load_profile
from loadtest.run.progress import Progress
from loadtest.run.results import ResultsError, write_report, write_results
from loadtest.run.row import Row
from loadtest.run.scrape import Scraped, scrape
from loadtest.standin.answers import MODEL

_QUESTIONS = Path(__file__).parents[1] / "questions.jsonl"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``."""
    parser.add_argument("profile", help="FILE.toml, or the name of one of loadtest/profiles/load")
    parser.add_argument("--target", action="append", required=True, type=_named_url, help="[NAME=]URL; once or more")
    parser.add_argument("--scrape", action="append", default=[], type=_named_url, help="[NAME=]URL of an engine")
    parser.add_argument("--out", type=new_folder, required=True, help="folder for results and report")
    parser.add_argument("--rate", type=positive_float, help="requests/s, in the place of the profile's")
    parser.add_argument("--seconds", type=positive_float, help="shorten or lengthen all stages to so much in all")
    parser.add_argument("--questions", type=Path, default=_QUESTIONS, help="of guided requests: JSON lines")
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
    results, rows = uvloop.run(_run(profile, options))
    options.out.mkdir(exist_ok=True)
    write_results(options.out, results, rows)
    _show(results)
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


async def _run(profile: LoadProfile, options: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    key = options.key or NO_KEY
    names = _unique([name for name, _ in (*options.target, *options.scrape)])
    targets = [await known_target(name, url, key) for name, (_, url) in zip(names, options.target, strict=False)]
    sources = dict(zip(names, [url for _, url in (*options.target, *options.scrape)], strict=True))
    planned = plan(profile, len(targets), read_questions(options.questions))
    scraped = {name: Scraped() for name in sources}
    progress = Progress(profile.slo, profile.seconds, len(planned))
    rows: list[Row] = []
    gaps = {target.name: Gaps() for target in targets}

    def told(row: Row, gaps_ms: Sequence[float]) -> None:
        rows.append(row)
        progress.note(row)
        if not row.slow:
            gaps[row.target].add(gaps_ms)

    beside = [
        asyncio.create_task(progress.show(sys.stderr)),
        asyncio.create_task(scrape(sources, bearer(key), profile.scrape_seconds, scraped)),
    ]
    driving = asyncio.create_task(drive(profile, planned, targets, progress.note_sent, told))
    interrupted = False
    try:
        with _ended_by_signals(driving):
            await driving
    except asyncio.CancelledError:
        interrupted = True  # what has been measured in half an hour is not thrown away
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
    rows.sort(key=lambda row: (row.scheduled, row.target))
    results = _results(options.profile, profile, targets, figures(profile, rows, gaps), scraped)
    return {"interrupted": interrupted, **results}, rows


@contextmanager
def _ended_by_signals(driving: asyncio.Task[None]) -> Iterator[None]:
    """Cancel the load at a signal, also where whoever started this process has it ignore Ctrl-C, as shells do."""
    loop = asyncio.get_running_loop()
    both = (signal.SIGINT, signal.SIGTERM)
    for one in both:
        loop.add_signal_handler(one, driving.cancel)
    try:
        yield
    finally:
        for one in both:
            loop.remove_signal_handler(one)


def _results(
    name: str, profile: LoadProfile, targets: Sequence[Target], found: Mapping[str, Any], scraped: Mapping[str, Scraped]
) -> dict[str, Any]:
    simulated = any(target.plain_model == MODEL for target in targets)
    return {
        "simulated": simulated or any(source.simulated for source in scraped.values()),
        "profile_name": Path(name).stem,
        "profile_seconds": profile.seconds,
        "targets": found,
        "scraped": {source: told.figures() for source, told in scraped.items()},
        "series": {source: told.series for source, told in scraped.items()},
        "profile": profile.model_dump(mode="json"),
    }


def _show(results: Mapping[str, Any]) -> None:
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
