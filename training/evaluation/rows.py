"""One scored sample as the figures and reports see it, read from inspect's logs one at a time.

Invariant: what every scorer writes is described here; a value that could not be scored is None, never 0.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample, read_eval_log, read_eval_log_samples

ANSWER = "answer"
"""Key of a sample's metadata under which a solver leaves its ``Answered``."""
SCORER = "preceptor"
"""Registered name under which every scorer of ours writes its score."""
SCORE = "score"
"""Key of a score's value that holds the sample's own score; the others are axes, dimensions or counts."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer cost: tokens of all its calls, seconds, calls; ``trace`` is the gateway's record, if it was asked.

    ``input_tokens`` counts cached ones too; ``extra`` is what an arm tells of itself (n of best-of-n, say).
    """

    text: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    seconds: float
    calls: int
    trace: Mapping[str, Any] | None
    extra: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        """All tokens read and written."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One sample of one log. ``verdicts`` are JSON objects of the benchmark's own, ``asked`` and ``unscored`` count
    what judges were asked and could not say; ``metadata`` is the sample's, without the answer."""

    id: str
    epoch: int
    cluster: str
    values: Mapping[str, float | None]
    verdicts: tuple[Mapping[str, Any], ...]
    asked: int
    unscored: int
    question: str
    answered: Answered
    metadata: Mapping[str, Any]

    @property
    def score(self) -> float | None:
        """The sample's own score."""
        return self.values.get(SCORE)


def score_metadata(
    verdicts: list[dict[str, Any]], *, asked: int, unscored: int, cluster: str | None = None
) -> dict[str, Any]:
    """Return what a scorer puts into ``Score.metadata``; a cluster is the sample's own when None."""
    return {"verdicts": verdicts, "asked": asked, "unscored": unscored, "cluster": cluster}


def read_rows(log: Path) -> Iterator[Row]:
    """Yield the scored samples of a log, in the order of its dataset; samples that ended in an error are left out."""
    excluded = {"events", "store", "messages", "timelines"}
    for sample in read_eval_log_samples(str(log), all_samples_required=False, exclude_fields=excluded):
        if sample.error is None and sample.scores and SCORER in sample.scores:
            yield row_of(sample)


def read_header(log: Path) -> EvalLog:
    """Read a log without its samples."""
    return read_eval_log(str(log), header_only=True)


def row_of(sample: EvalSample) -> Row:
    """Return a sample as a row."""
    assert sample.scores is not None
    score = sample.scores[SCORER]
    values = score.value if isinstance(score.value, Mapping) else {SCORE: score.value}
    told = score.metadata or {}
    metadata = dict(sample.metadata)
    return Row(
        id=str(sample.id),
        epoch=sample.epoch,
        cluster=str(told.get("cluster") or sample.id),
        values={name: _finite(value) for name, value in values.items()},
        verdicts=tuple(told.get("verdicts", ())),
        asked=int(told.get("asked", 0)),
        unscored=int(told.get("unscored", 0)),
        question=sample.input if isinstance(sample.input, str) else _written(sample),
        answered=Answered(**metadata.pop(ANSWER)),
        metadata=metadata,
    )


def _finite(value: object) -> float | None:
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def _written(sample: EvalSample) -> str:
    assert not isinstance(sample.input, str)
    return "\n\n".join(f"{message.role}: {message.text}" for message in sample.input)
