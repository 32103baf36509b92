"""Owns synthesising rubrics: a file of queries in; rubrics, their provenance and the failures out.

Invariant: the files are made from the journal alone, in the order of the queries, however often the run was cut off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.synthesise.journal import Journal
from training.synthesise.run import work_through, write_failures, write_rows
from training.synthesise.settings import SynthesiseSettings
from training.synthesise.steps import PRINCIPLE_TAG, Synthesis

RUBRICS = "rubrics.jsonl"
PROVENANCE = "provenance.jsonl"
FAILED = "failed.jsonl"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a folder holds after a run; ``asked``, ``seconds`` and ``rows_per_second`` are this run's."""

    rubrics: Path
    done: int
    criteria: int
    citing_a_principle: int
    failed: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> float:
        """0 where nothing was asked."""
        return self.asked / self.seconds if self.asked else 0.0


def synthesise(queries: Path, out: Path, settings: SynthesiseSettings) -> Summary:
    """Write a rubric for each query into the folder ``out``; a folder begun before is gone on with.

    Raises ``SynthesisError`` (input, engines, too many failures, another run there), ``UnreadableFile``, ``RunError``
    (folder of other settings, or not writable), CorpusError, PromptError and RegistryError.
    """
    work = Synthesis(settings)
    summary, pace = work_through(queries, "query", work, out, settings, lambda journal: _export(journal, out))
    return replace(summary, asked=pace.rows, seconds=pace.seconds)


def _export(journal: Journal, out: Path) -> Summary:
    rubrics, criteria, citing = 0, 0, 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal rubrics, criteria, citing
        for _, result in journal.results():
            rubrics += 1
            criteria += len(result["rubric"]["rubrics"])
            citing += sum(map(_cites, result["rubric"]["rubrics"]))
            yield result["rubric"]

    write_rows(out / RUBRICS, counted())
    write_rows(out / PROVENANCE, (result["provenance"] for _, result in journal.results()))
    return Summary(out / RUBRICS, rubrics, criteria, citing, write_failures(out / FAILED, journal))


def _cites(criterion: dict[str, Any]) -> bool:
    return any(tag.startswith(PRINCIPLE_TAG) for tag in criterion["tags"])
