"""``preceptor-eval leaderboard RUN... --out FOLDER``: writes ``leaderboard.html`` and ``leaderboard.json``.

Invariant: made from the runs' logs, so that it never shows a report that is out of date.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from training.evaluation.reports.comparing import Figures
from training.evaluation.reports.document import encoded
from training.evaluation.reports.leaderboard import boards_of, leaderboard_document, leaderboard_page
from training.evaluation.reports.reading import read_run
from training.runs.files import RunError, naming, replace_whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("--out", type=Path, required=True, help="folder for leaderboard.html and leaderboard.json")


def run(arguments: argparse.Namespace, figures_of: Mapping[str, Figures]) -> int:
    """Write the leaderboard; return the exit status."""
    try:
        boards = boards_of([read_run(path) for path in arguments.runs], figures_of)
        with naming(arguments.out):
            arguments.out.mkdir(parents=True, exist_ok=True)
        replace_whole(arguments.out / "leaderboard.json", [encoded(leaderboard_document(boards))])
        replace_whole(arguments.out / "leaderboard.html", [leaderboard_page(boards).encode()])
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"leaderboard: {arguments.out / 'leaderboard.html'}\n")
    return 0
