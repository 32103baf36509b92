"""Scores of one model on cases, one row a case: what the gate compares, written by it or by any other evaluation.

Invariant: what could not be scored is None, never a low score; two models are compared on the same ids or not at all.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from training.data.files import read_records, write_records
from training.miniclinic.evaluate import Result


class ScoresError(ValueError):
    """Two files of scores cannot be compared; the message names the ids or the file."""


class CaseScore(BaseModel):
    """One case. ``guided`` and ``draft`` are rubric scores; ``right`` of ``verdicts`` readable ones are true."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    guided: float | None = Field(allow_inf_nan=False)
    draft: float | None = Field(default=None, allow_inf_nan=False)
    verdicts: int = Field(default=0, ge=0)
    right: int = Field(default=0, ge=0)
    unscored_verdicts: int = Field(default=0, ge=0)


def read_scores(path: Path) -> list[CaseScore]:
    """Read JSONL or Parquet. Raises ``UnreadableFile`` or ``FaultyRow`` of ``training.data``, or ``ScoresError``."""
    rows = list(read_records(path, CaseScore))
    if not rows:
        raise ScoresError(f"{path}: holds no row")
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise ScoresError(f"{path}: the id {row.id!r} comes twice")
        if row.right > row.verdicts:
            raise ScoresError(f"{path}: {row.id}: {row.right} right of {row.verdicts} verdicts")
        seen.add(row.id)
    return rows


def write_scores(path: Path, rows: Iterable[CaseScore]) -> None:
    """Write the rows; the file is whole or as it was."""
    write_records(path, rows, CaseScore)


def paired(candidate: Sequence[CaseScore], served: Sequence[CaseScore]) -> list[tuple[CaseScore, CaseScore]]:
    """Pair by id, in the candidate's order. Raises ``ScoresError`` naming ids that only one side has."""
    others = {row.id: row for row in served}
    mine = {row.id for row in candidate}
    if mine != others.keys():
        lone = sorted(mine ^ others.keys())
        raise ScoresError(f"{len(lone)} ids are not in both, {', '.join(lone[:5])} among them")
    return [(row, others[row.id]) for row in candidate]


def scores_of(results: Iterable[Result]) -> list[CaseScore]:
    """Return the miniclinic's results as scores."""
    return [
        CaseScore(
            id=f"heldout-{result.seed}",
            guided=result.scores["guided"],
            draft=result.scores["draft"],
            verdicts=len(result.verdicts),
            right=sum(judged.predicted == judged.true for judged in result.verdicts),
            unscored_verdicts=result.unscored,
        )
        for result in results
    ]
