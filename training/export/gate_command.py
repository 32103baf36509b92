"""`python -m training export gate`: asks whether a candidate may take the place of what is served, and shows figures.

Invariant: exit status 0 passes, 1 refuses, 2 says that the question was wrong or something could not be run.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

from models.registry import RegistryError
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.export.evaluation import CONCURRENT, TEMPERATURE, evaluate_checkpoint
from training.export.gate import Decision, Margins, decide
from training.export.gateway_process import ServingError
from training.export.scores import CaseScore, ScoresError, read_scores, scores_of, write_scores
from training.export.stopping import stopping_on_sigterm

PASSED, REFUSED, WRONGLY_ASKED = 0, 1, 2


def main(argv: list[str]) -> int:
    """Run the gate and return its exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    folders = (options.candidate, options.against)
    if None in folders if options.scores is None else folders != (None, None):
        parser.error("give either CANDIDATE and --against, or --scores")
    try:
        with stopping_on_sigterm():
            candidate, served = _scored(options)
        decision = decide(candidate, served, Margins(**{f.name: getattr(options, f.name) for f in fields(Margins)}))
    except (ServingError, ScoresError, UnreadableFile, FaultyRow, RegistryError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return WRONGLY_ASKED
    sys.stdout.write("\n".join(lines(decision)) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(asdict(decision) | {"passed": decision.passed}) + "\n")
    return PASSED if decision.passed else REFUSED


def lines(decision: Decision) -> list[str]:
    """Return the decision for people: figures side by side, then the verdict and its reasons."""
    mine, other = asdict(decision.candidate), asdict(decision.served)
    table = [f"{'':<18} {'candidate':>10} {'served':>10}"]
    table += [f"{name.replace('_', ' '):<18} {_cell(mine[name]):>10} {_cell(other[name]):>10}" for name in mine]
    difference = f"guided, candidate minus served, on {decision.difference.n} cases: {decision.difference}"
    verdict = "passed: the candidate may be served" if decision.passed else "refused:"
    return [*table, difference, verdict, *(f"  {reason}" for reason in decision.reasons)]


def _cell(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _scored(options: argparse.Namespace) -> tuple[list[CaseScore], list[CaseScore]]:
    if options.scores is not None:
        candidate, served = options.scores
        return read_scores(candidate), read_scores(served)
    tell = _tell if sys.stderr.isatty() or options.verbose else lambda _: None
    return (
        _evaluated(options, options.candidate, "candidate", options.name, tell),
        _evaluated(options, options.against, "served", options.against_name, tell),
    )


def _evaluated(
    options: argparse.Namespace, checkpoint: Path, side: str, name: str | None, tell: Callable[[str], None]
) -> list[CaseScore]:
    folder: Path = options.out / side
    results = evaluate_checkpoint(
        checkpoint,
        options.cases,
        options.first_seed,
        logs=folder,
        name=name,
        registry=options.registry,
        temperature=options.temperature,
        concurrent=options.concurrent,
        controls=False,
        tell=tell,
    )
    rows = scores_of(results)
    write_scores(folder / "scores.jsonl", rows)
    return rows


def _tell(line: str) -> None:
    sys.stderr.write(f"engine: {line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training export gate", description=__doc__)
    parser.add_argument("candidate", type=Path, nargs="?", help="folder of the exported checkpoint")
    parser.add_argument("--against", type=Path, metavar="SERVED", help="folder of the checkpoint that is served")
    parser.add_argument(
        "--scores",
        type=Path,
        nargs=2,
        metavar=("CANDIDATE", "SERVED"),
        help="files of scores by id from another evaluation, instead of the miniclinic",
    )
    parser.add_argument("--cases", type=int, default=250, help="held-out cases (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=2000, help="of the first case (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help="of drafts (default: %(default)s)")
    parser.add_argument("--concurrent", type=int, default=CONCURRENT, help="cases at a time (default: %(default)s)")
    parser.add_argument("--name", help="the candidate's entry in the registry (default: the bundled model's)")
    parser.add_argument("--against-name", help="the served model's entry (default: the bundled model's)")
    parser.add_argument("--registry", type=Path, help="registry file (default: the packaged one)")
    parser.add_argument("--out", type=Path, default=Path("runs/gate"), help="logs and scores (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with the decision in one line of JSON")
    parser.add_argument("--verbose", action="store_true", help="say how far an engine's start is")
    for field in fields(Margins):
        option, default = f"--{field.name.replace('_', '-')}", getattr(Margins(), field.name)
        parser.add_argument(option, type=float, default=default, help="margin (default: %(default)s)")
    return parser
