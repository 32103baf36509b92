"""One run of a profile: the load, the line that tells how it goes, the metrics beside, and the results of all of it.

Invariant: a run that is interrupted (Ctrl-C, SIGTERM) gives what it has, and says that it was.
"""

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from loadtest.connection import NO_KEY
from loadtest.questions import Question
from loadtest.run.drive import Target, bearer, drive, known_target
from loadtest.run.figures import figures
from loadtest.run.gaps import Gaps
from loadtest.run.plan import plan
from loadtest.run.profile import LoadProfile
from loadtest.run.progress import Progress
from loadtest.run.row import Row
from loadtest.run.scrape import Scraped, scrape
from loadtest.standin.answers import MODEL


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run: base URLs by name, of ``targets`` and of ``engines`` whose metrics are read beside."""

    name: str
    profile: LoadProfile
    targets: Mapping[str, str]
    engines: Mapping[str, str]
    questions: Sequence[Question]
    key: str = NO_KEY


async def measure(asked: Asked) -> tuple[dict[str, Any], list[Row]]:
    """Run it: the results as ``results.json`` has them, and a row for each request. Raises ``CallFailure``."""
    profile = asked.profile
    targets = [await known_target(name, url, asked.key) for name, url in asked.targets.items()]
    sources = {**asked.targets, **asked.engines}
    planned = plan(profile, len(targets), asked.questions)
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
        asyncio.create_task(scrape(sources, bearer(asked.key), profile.scrape_seconds, scraped)),
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
    results = _results(asked, targets, figures(profile, rows, gaps), scraped)
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
    asked: Asked, targets: Sequence[Target], found: Mapping[str, Any], scraped: Mapping[str, Scraped]
) -> dict[str, Any]:
    simulated = any(target.plain_model == MODEL for target in targets)
    return {
        "simulated": simulated or any(source.simulated for source in scraped.values()),
        "profile_name": asked.name,
        "profile_seconds": asked.profile.seconds,
        "targets": found,
        "scraped": {source: told.figures() for source, told in scraped.items()},
        "series": {source: told.series for source, told in scraped.items()},
        "profile": asked.profile.model_dump(mode="json"),
    }
