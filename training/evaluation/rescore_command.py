"""`preceptor-eval rescore RUN`: scores made again from the verdicts in the logs, nobody being asked.

Invariant: with the threshold that the run had, every score comes out as it was; a difference is told.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.evaluation.benchmarks import FIGURES
from training.evaluation.healthbench.meta_task import value_of
from training.evaluation.healthbench.scorer import rescored
from training.evaluation.mlb.verdicts import values_of
from training.evaluation.pooled import interval
from training.evaluation.reports.reading import Arm, read_run
from training.evaluation.rows import Row
from training.runs.files import RunError

_CLOSE = 1e-9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--threshold", type=float, help="P(met) from which verdicts count as met, where they have one")


def run(arguments: argparse.Namespace) -> int:
    """Score again and tell; return the exit status."""
    try:
        arms = read_run(arguments.run).arms
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for benchmark, by_arm in arms.items():
        for name, arm in by_arm.items():
            sys.stdout.write(f"{benchmark} {name}: {_told(benchmark, arm, arguments.threshold)}\n")
    return 0


def again(row: Row, kind: str, threshold: float | None = None) -> Row:
    """Return a row with its values made from its verdicts; as it is where its benchmark keeps none for that."""
    verdicts = tuple(_decided(verdict, threshold) for verdict in row.verdicts)
    values = _values(row, kind, verdicts)
    if values is None:
        return row
    told = {name: None if math.isnan(value) else value for name, value in values.items()}
    return replace(row, verdicts=verdicts, values={**row.values, **told})


def _told(benchmark: str, arm: Arm, threshold: float | None) -> str:
    kind = benchmark.partition("-")[0]
    rows = [again(row, kind, threshold) for row in arm.rows]
    changed = sum(not _same(old.score, new.score) for old, new in zip(arm.rows, rows, strict=True))
    if not rows:
        return "no scored sample"
    headline = next(iter(FIGURES[kind](rows).values()))
    clusters = [row.cluster for row in rows]
    return f"{interval(headline, clusters)}, {len(rows)} samples, {changed} of them scored otherwise than before"


def _values(row: Row, kind: str, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    if kind == "healthbench":
        return rescored(verdicts)
    if kind == "healthbench_meta":
        return value_of(verdicts[0]["met"], row.metadata["labels"])
    return values_of(row.metadata, verdicts) if kind == "mlb" and verdicts else None


def _decided(verdict: Mapping[str, Any], threshold: float | None) -> Mapping[str, Any]:
    probability = verdict.get("probability")
    if threshold is None or probability is None:
        return verdict
    return {**verdict, "met": probability >= threshold}


def _same(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return abs(first - second) <= _CLOSE
