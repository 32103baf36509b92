"""Owns filtering rubrics: a file of them in; those worth training on, those dropped, and the figures of all out.

Invariant: verdicts come from the journal alone, so that other bounds cost no engine a request.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.data.files import raw_rows
from training.data.healthbench import HealthBenchRow
from training.synthesise.journal import Journal
from training.synthesise.quality import Bounds, Sifted, Verdicts, figures, sift
from training.synthesise.rollouts import Rollouts
from training.synthesise.run import work_through, write_failures, write_rows
from training.synthesise.settings import FilterSettings


@dataclass(frozen=True, slots=True)
class FilterSummary:
    """What was kept and dropped; ``asked`` and ``seconds`` are this run's."""

    kept: int
    dropped: dict[str, int]
    criteria_dropped: int
    failed: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FilterFiles:
    """Where a filter writes: the rubrics kept, and beside them what went, the figures, the failures and the journal."""

    kept: Path

    def beside(self, what: str) -> Path:
        """A file of the same stem."""
        return self.kept.with_name(f"{self.kept.stem}.{what}.jsonl")

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.kept.with_name(f"{self.kept.stem}.run")


def filter_rubrics(rubrics: Path, out: Path, settings: FilterSettings) -> FilterSummary:
    """Write the rubrics worth training on to ``out``; a filtering begun before is gone on with.

    Raises ``SynthesisError``, ``UnreadableFile`` and ``RunError`` as ``synthesise`` does.
    """
    files, work = FilterFiles(out), Rollouts(settings)
    bounds = Bounds(settings.min_mean, settings.max_mean, settings.max_pass_rate)
    summary, pace = work_through(
        rubrics, "healthbench", work, files.folder, settings, lambda journal: _export(rubrics, journal, bounds, files)
    )
    return replace(summary, asked=pace.rows, seconds=pace.seconds)


def _export(rubrics: Path, journal: Journal, bounds: Bounds, files: FilterFiles) -> FilterSummary:
    def rows() -> Iterator[tuple[HealthBenchRow, Verdicts, Sifted]]:
        return _sifted(rubrics, journal, bounds)

    drops: Counter[str] = Counter(str(sifted.drop) for _, _, sifted in rows() if sifted.drop)
    criteria = sum(sifted.dropped_criteria for _, _, sifted in rows() if not sifted.drop)
    kept = sum(not sifted.drop for _, _, sifted in rows())
    write_rows(files.kept, (_dump(row, sifted) for row, _, sifted in rows() if not sifted.drop))
    write_rows(files.beside("dropped"), (_dump(row) for row, _, sifted in rows() if sifted.drop))
    write_rows(files.beside("figures"), (_figures(*found) for found in rows()))
    return FilterSummary(kept, dict(drops.most_common()), criteria, write_failures(files.beside("failed"), journal))


def _sifted(rubrics: Path, journal: Journal, bounds: Bounds) -> Iterator[tuple[HealthBenchRow, Verdicts, Sifted]]:
    """Each judged row with its verdicts and what they make of it, in the file's order."""
    rows = raw_rows(rubrics)
    for line, result in journal.results():
        raw = next(row for row in rows if row.line == line)
        row = HealthBenchRow.model_validate(raw.value)
        yield row, result["verdicts"], sift(row.rubrics, result["verdicts"], bounds)


def _dump(row: HealthBenchRow, sifted: Sifted | None = None) -> dict[str, Any]:
    chosen = row if sifted is None else row.model_copy(update={"rubrics": sifted.kept})
    return chosen.model_dump(mode="json", exclude_none=True)


def _figures(row: HealthBenchRow, verdicts_GK: Verdicts, sifted: Sifted) -> dict[str, Any]:
    found = figures(row.rubrics, verdicts_GK)
    return {
        "prompt_id": row.prompt_id,
        "dropped": sifted.drop,
        "mean": found.mean,
        "scores": found.scores_G,
        "pass_rates": found.pass_rates_K,
        "criteria_dropped": sifted.dropped_criteria,
    }
