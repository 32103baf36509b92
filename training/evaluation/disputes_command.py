"""`preceptor-eval disputes export|import`: what judges left open goes to experts, and comes back into the logs.

Invariant: a decision edits a score by inspect's own means, with who decided and why, so that logs keep what was before.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from inspect_ai.log import ProvenanceData, edit_score, read_eval_log, write_eval_log
from inspect_ai.scorer import ScoreEdit

from training.evaluation.mlb.disputes import Decision, applied, disputes_of, judges_agree
from training.evaluation.mlb.sheets import read_sheet, write_jsonl, write_sheet
from training.evaluation.reports.reading import read_run
from training.evaluation.rows import SCORER, Row, read_rows
from training.runs.files import RunError, naming

MLB = "mlb"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    commands = parser.add_subparsers(dest="direction", required=True)
    export = commands.add_parser("export", help="write what the judges left open")
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument("--out", type=Path, required=True, help="a .csv sheet for experts, or .jsonl")
    read_back = commands.add_parser("import", help="read decisions and score the samples anew")
    read_back.add_argument("run", type=Path, help="the run's folder")
    read_back.add_argument("sheet", type=Path, help="the sheet, its column 'decision' filled with 是 or 否")
    read_back.add_argument("--author", required=True, help="who decided; kept with every edited score")


def run(arguments: argparse.Namespace) -> int:
    """Export or import; return the exit status."""
    try:
        return _export(arguments) if arguments.direction == "export" else _import(arguments)
    except (RunError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _export(arguments: argparse.Namespace) -> int:
    rows = [row for log in _logs(arguments.run) for row in read_rows(log)]
    open_ones, agreed = disputes_of(rows), judges_agree(rows)
    with naming(arguments.out):
        (write_jsonl if arguments.out.suffix == ".jsonl" else write_sheet)(arguments.out, open_ones)
    told = f"the two judges agree on {agreed.rate:.1%} of {agreed.n} (kappa {agreed.kappa:.3f})"
    told = told if agreed.n else "one judge only"
    sys.stdout.write(f"{arguments.out}: {len(open_ones)} open criteria; {told}\n")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    with naming(arguments.sheet):
        decisions, faults = read_sheet(arguments.sheet)
    if faults:
        sys.stderr.writelines(f"error: {arguments.sheet}: {fault}\n" for fault in faults)
        return 1
    settled = still_open = 0
    for log in _logs(arguments.run):
        found = _apply(log, decisions, arguments.author)
        settled, still_open = settled + found[0], still_open + found[1]
    sys.stdout.write(f"{settled} criteria settled by {arguments.author}, {still_open} still open\n")
    return 0


def _apply(log: Path, decisions: Sequence[Decision], author: str) -> tuple[int, int]:
    before = list(read_rows(log))
    after = applied(before, decisions)
    changed = [(old, new) for old, new in zip(before, after.rows, strict=True) if old.verdicts != new.verdicts]
    if changed:
        whole = read_eval_log(str(log))
        for _, row in changed:
            _edit(whole, row, author)
        write_eval_log(whole, str(log))
    return after.settled, after.still_open


def _edit(whole: object, row: Row, author: str) -> None:
    value = {name: math.nan if one is None else one for name, one in row.values.items()}
    metadata = {
        "verdicts": list(map(dict, row.verdicts)),
        "asked": row.asked,
        "unscored": row.unscored,
        "cluster": row.cluster,
    }
    provenance = ProvenanceData(author=author, reason="decided by experts where the judges left it open")
    edit = ScoreEdit(value=value, metadata=metadata, provenance=provenance)
    edit_score(whole, row.id, SCORER, edit, recompute_metrics=False, epoch=row.epoch)  # type: ignore[arg-type]


def _logs(run_folder: Path) -> Iterator[Path]:
    arms = [arm for name, arms in read_run(run_folder).arms.items() if _is_mlb(name) for arm in arms.values()]
    if not arms:
        raise RunError(f"{run_folder}: no log of {MLB}, whose judges alone leave something to experts")
    return (arm.facts.log for arm in arms)


def _is_mlb(name: str) -> bool:
    return name.partition("-")[0] == MLB
