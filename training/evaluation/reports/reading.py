"""Reads a run's folder: its recipe, and of every benchmark and arm the log that counts, with the rows of it.

Invariant: of a log's samples every one is a row, a failure or missing; what is long and shown for few samples only
(traces, the judges' words) is not kept, so that ten thousand samples fit into memory.
"""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from inspect_ai.log import read_eval_log_sample_summaries

from training.evaluation.reports.facts import Facts, facts_of, first_line
from training.evaluation.rows import Row, read_header, read_rows
from training.runs.files import RunError, naming
from training.runs.folder import RunFolder

SampleKey = tuple[str, int]
"""A row's id and epoch."""

_KEPT_OF_TRACE = ("outcome", "reason", "rounds")
_LONG_IN_VERDICTS = frozenset({"raw", "reason"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that ended without a score, and why."""

    id: str
    epoch: int
    message: str


@dataclass(frozen=True, slots=True)
class Arm:
    """One benchmark answered in one way: what the log's header says, its scored and failed samples."""

    facts: Facts
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]

    @property
    def missing(self) -> int:
        """Samples that were planned and are not in the log."""
        return max(0, self.facts.planned - len(self.rows) - len(self.failures))

    @property
    def unscored(self) -> int:
        """Samples that were answered and could not be scored."""
        return sum(row.score is None for row in self.rows)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A log that does not count, and why."""

    log: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder; ``arms`` by benchmark and arm, in order of their logs. ``made_with`` is what its config.json
    says: the resolved recipe under ``config``, and with what versions it ran."""

    path: Path
    made_with: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Arm]]
    passed_over: tuple[PassedOver, ...]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def facts(self) -> list[Facts]:
        """The header of every log that counts."""
        return [arm.facts for arms in self.arms.values() for arm in arms.values()]


def read_run(path: Path) -> Run:
    """Read a run. Raises ``RunError`` naming the file where the folder is no run's, or a log that counts is broken.

    Where a benchmark and arm has several logs, the newest that is whole counts, else the newest.
    """
    made_with = RunFolder.read(path).made_with
    chosen, passed_over = _chosen(path / "logs")
    if not chosen:
        raise RunError(f"{path / 'logs'}: no log that can be read")
    arms: dict[str, dict[str, Arm]] = {}
    shared: dict[str, dict[SampleKey, Row]] = {}
    for facts in chosen:
        read = _read_arm(facts, shared.setdefault(facts.benchmark, {}))
        arms.setdefault(facts.benchmark, {})[facts.arm] = read
    return Run(path, made_with, arms, passed_over)


def read_whole_rows(log: Path, keys: Collection[SampleKey]) -> dict[SampleKey, Row]:
    """Read a few samples with all that was recorded of them."""
    return {(row.id, row.epoch): row for row in read_rows(log) if (row.id, row.epoch) in keys}


def _chosen(folder: Path) -> tuple[list[Facts], tuple[PassedOver, ...]]:
    """The logs that count, oldest first, and those that do not."""
    found: list[Facts] = []
    passed_over: list[PassedOver] = []
    for log in sorted(folder.rglob("*.eval")):
        try:
            with naming(log):
                found.append(facts_of(log, read_header(log)))
        except ValueError as error:
            passed_over.append(PassedOver(log, f"cannot be read: {first_line(str(error))}"))
    newest_last = sorted(found, key=lambda facts: (facts.whole, facts.created, facts.log.name))
    counting = {(facts.benchmark, facts.arm): facts for facts in newest_last}
    for facts in found:
        if (counts := counting[facts.benchmark, facts.arm]) is not facts:
            passed_over.append(PassedOver(facts.log, f"{facts.benchmark}, {facts.arm}: {counts.log.name} counts"))
    return sorted(counting.values(), key=lambda facts: (facts.created, facts.log.name)), tuple(passed_over)


def _read_arm(facts: Facts, shared: dict[SampleKey, Row]) -> Arm:
    with naming(facts.log):
        try:
            rows = tuple(_slim(row, shared) for row in read_rows(facts.log))
            ended = read_eval_log_sample_summaries(str(facts.log))
        except (ValueError, BadZipFile) as error:
            raise RunError(f"{facts.log}: {first_line(str(error))}") from error
    scored = {(row.id, row.epoch) for row in rows}
    failures = (
        Failure(str(one.id), one.epoch, first_line(one.error) if one.error else "ended without a score")
        for one in ended
        if (str(one.id), one.epoch) not in scored
    )
    return Arm(facts, rows, tuple(failures))


def _slim(row: Row, shared: dict[SampleKey, Row]) -> Row:
    """Drop what is long, and share what another arm's row of the same sample has as well."""
    trace = row.answered.trace
    kept = None if trace is None else {name: trace[name] for name in _KEPT_OF_TRACE if name in trace}
    answered = replace(row.answered, trace=kept)
    slim = replace(row, verdicts=tuple(map(_slim_verdict, row.verdicts)), answered=answered)
    other = shared.setdefault((row.id, row.epoch), slim)
    return replace(
        slim,
        question=other.question if other.question == slim.question else slim.question,
        metadata=other.metadata if other.metadata == slim.metadata else slim.metadata,
    )


def _slim_verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {sys.intern(name): _once(value) for name, value in verdict.items() if name not in _LONG_IN_VERDICTS}


def _once(value: Any) -> Any:
    """Hold equal strings once: criteria and tags come again in every arm."""
    if isinstance(value, str):
        return sys.intern(value)
    return list(map(_once, value)) if isinstance(value, list) else value
