"""``preceptor-eval report RUN``: writes ``report.html`` and ``report.json`` into a run's folder.

Invariant: both files hold the same figures, and are written whole or not at all.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from training.evaluation.reports.comparing import Figures
from training.evaluation.reports.document import document_of, encoded
from training.evaluation.reports.reading import read_run
from training.evaluation.reports.run_page import run_page
from training.evaluation.reports.summaries import Notes, report_of
from training.runs.files import RunError, replace_whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--worst", type=int, default=10, help="regressions shown a benchmark (default: %(default)s)")


def run(
    arguments: argparse.Namespace, figures_of: Mapping[str, Figures], notes_of: Mapping[str, Notes] | None = None
) -> int:
    """Write the report; return the exit status."""
    try:
        page = write_report(arguments.run, figures_of, arguments.worst, notes_of)
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"report: {page}\n")
    return 0


def write_report(
    path: Path, figures_of: Mapping[str, Figures], most_worst: int = 10, notes_of: Mapping[str, Notes] | None = None
) -> Path:
    """Write a run's report and return the page's path. Raises ``RunError``."""
    report = report_of(read_run(path), figures_of, most_worst, notes_of)
    page = path / "report.html"
    replace_whole(path / "report.json", [encoded(document_of(report))])
    replace_whole(page, [run_page(report).encode()])
    return page
