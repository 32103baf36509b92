"""Command line of evaluation: `preceptor-eval COMMAND`; each command tells its options with ``--help``.

Invariant: exit status 0 is done, 1 an error told in one line, 3 a run that stopped and can be gone on with.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from models.registry import RegistryError
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.evaluation import disputes_command, rescore_command, run_command
from training.evaluation.asked.build import Unreachable
from training.evaluation.audit import command as audit_command
from training.evaluation.benchmarks import FIGURES, NOTES
from training.evaluation.consultations.counterparts import write_transcripts
from training.evaluation.mlb.load import MalformedFile
from training.evaluation.reports import compare_command, leaderboard_command, report_command
from training.evaluation.reports.selection import selected
from training.evaluation.rows import read_rows
from training.evaluation.run import Stopped
from training.export.gateway_process import ServingError
from training.export.stopping import stopping_on_sigterm
from training.runs.files import RunError
from training.trl_adapter.settings import SettingsError

DONE, FAILED, STOPPED = 0, 1, 3
_TOLD = (
    FaultyRow,
    MalformedFile,
    OSError,
    RegistryError,
    RunError,
    ServingError,
    SettingsError,
    UnreadableFile,
    Unreachable,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatched(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has no reader either
        return FAILED


def _dispatched(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "run" | "resume":
            return _run(arguments)
        case "report":
            return report_command.run(arguments, FIGURES, NOTES)
        case "compare":
            return compare_command.run(arguments, FIGURES)
        case "leaderboard":
            return leaderboard_command.run(arguments, FIGURES)
        case "rescore":
            return rescore_command.run(arguments)
        case "disputes":
            return disputes_command.run(arguments)
        case "transcripts":
            return _transcripts(arguments)
        case _:
            return _audit(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preceptor-eval", description="Evaluate what is served, and who judges it.")
    commands = parser.add_subparsers(dest="command", required=True)
    run_command.add_run_arguments(commands.add_parser("run", help="run a recipe; the same folder goes on"))
    resume = commands.add_parser("resume", help="go on with a run from its folder alone")
    resume.add_argument("run", type=Path, help="the run's folder")
    report_command.add_arguments(commands.add_parser("report", help="write a run's page and JSON"))
    compare_command.add_arguments(commands.add_parser("compare", help="paired differences of two runs or arms"))
    leaderboard_command.add_arguments(commands.add_parser("leaderboard", help="several runs on one page"))
    rescore_command.add_arguments(commands.add_parser("rescore", help="scores again from verdicts, asking nobody"))
    disputes_command.add_arguments(commands.add_parser("disputes", help="what judges left open, to experts and back"))
    transcripts = commands.add_parser("transcripts", help="a run's consultations as a counterpart for others")
    transcripts.add_argument("arm", help="RUN[:BENCHMARK][:ARM]")
    transcripts.add_argument("--name", required=True, help="the counterpart's name")
    transcripts.add_argument("--out", type=Path, required=True, help="JSONL")
    audit = commands.add_parser("audit", help="how far a judge can be believed; its threshold")
    audit_command.add_arguments(audit)
    run_command.add_judge_arguments(audit)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    try:
        with stopping_on_sigterm():
            folder = run_command.run(arguments) if arguments.command == "run" else run_command.go_on(arguments.run)
        sys.stdout.write(f"report: {report_command.write_report(folder, FIGURES, notes_of=NOTES)}\n")
    except Stopped as stop:
        folder = arguments.out if arguments.command == "run" else arguments.run
        sys.stderr.write(f"stopped: {stop}\nall that was scored is kept; go on with: preceptor-eval resume {folder}\n")
        return STOPPED
    except _TOLD as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    return DONE


def _audit(arguments: argparse.Namespace) -> int:
    try:
        with stopping_on_sigterm(), run_command.judging(arguments) as (judge, second):
            return audit_command.run(arguments, judge, second)
    except _TOLD as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED


def _transcripts(arguments: argparse.Namespace) -> int:
    try:
        chosen = selected(arguments.arm)
        arms = [
            arm
            for benchmark, by_arm in chosen.run.arms.items()
            for name, arm in by_arm.items()
            if chosen.benchmark in (None, benchmark) and chosen.arm in (None, name)
        ]
        if len(arms) != 1:
            raise RunError(f"{arguments.arm} names {len(arms)} arms: name one, as RUN:BENCHMARK:ARM")
        written = write_transcripts(read_rows(arms[0].facts.log), arguments.name, arguments.out)
    except (*_TOLD, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    sys.stdout.write(f"{arguments.out}: {written} consultations by {arguments.name}\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
