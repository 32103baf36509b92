"""Owns ``python -m training feedback``: an export of feedback to training data.

Invariant: exit status 0, or 1 with the reason on standard error; what was left out is told with its reasons.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from training.feedback.export import Exported, export
from training.feedback.reading import ExportError, read_export
from training.runs.files import RunError

HELD_OUT = 0.1


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _export(arguments)
    except (ExportError, RunError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training feedback", description="Feedback to training data.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("export", help="rubrics, comparisons and labels from a gateway's feedback")
    one.add_argument("source", help="a file that GET /v1/feedback/export gave, or the gateway's URL")
    one.add_argument("--out", type=Path, required=True, help="folder to write")
    one.add_argument("--key-file", type=Path, help="file that holds an API key of scope feedback")
    one.add_argument(
        "--held-out", type=float, default=HELD_OUT, help="share of patients held out (default: %(default)s)"
    )
    one.add_argument("--json", action="store_true", help="the summary as one JSON object")
    return parser


def _export(arguments: argparse.Namespace) -> int:
    key = None if arguments.key_file is None else arguments.key_file.read_text(encoding="utf-8").strip()
    found = export(read_export(arguments.source, key), arguments.out, arguments.held_out)
    sys.stdout.write(json.dumps(asdict(found)) + "\n" if arguments.json else _text(found))
    return 0


def _text(found: Exported) -> str:
    lines = [f"{found.records} feedback records"]
    for side, counts in found.rows.items():
        lines.append(f"{side:<10} " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    for name, reasons in found.left_out.items():
        lines.append(f"left out of {name}: " + _counted(reasons))
    for name, figures in found.agreement.items():
        if not figures["units"]:
            lines.append(f"{name}: nothing was reviewed twice")
            continue
        shown = ", ".join(f"{key} {_figure(figures[key])}" for key in ("agreed", "kappa", "alpha"))
        lines.append(f"{name}: {figures['units']} units, {figures['reviewers']} reviewers: {shown}")
    lines.append(f"{found.conflicts} conflicts, kept on both sides and listed")
    return "\n".join(lines) + "\n"


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))


def _figure(value: float | int | None) -> str:
    return "-" if value is None else f"{value:.3f}"
