"""One scored sample as the figures and reports see it, read from inspect's logs one at a time.

Invariant: what every scorer writes is described here; a value that could not be scored is None, never 0.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from inspect_ai.log import EvalLog, read_eval_log

ANSWER = "answer"
"""Key of a sample's metadata under which a solver leaves its ``Answered``."""
SCORER = "preceptor"
"""Registered name under which every scorer of ours writes its score."""
SCORE = "score"
"""Key of a score's value that holds the sample's own score; the others are axes, dimensions or counts."""
_SAMPLE = re.compile(r"samples/(.+)_epoch_(\d+)\.json")


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

    @property
    def computed_tokens(self) -> int:
        """Tokens that the engine had to compute: written, or read and in no prefix cache."""
        return self.tokens - self.cached_tokens


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
    """Yield the scored samples of a log, in the order of its dataset; samples that ended in an error are left out.

    Reads the archive's own JSON, since inspect's models of it take many times as long for what is needed here. Of a
    sample that was written twice, as when a killed run is gone on with, the later is read.
    """
    order = read_header(log).eval.dataset.sample_ids or []
    places = {str(id_): place for place, id_ in enumerate(order)}
    with ZipFile(log) as archive:
        found = [match for name in dict.fromkeys(archive.namelist()) if (match := _SAMPLE.fullmatch(name))]
        found.sort(key=lambda match: (places.get(match[1], len(places)), int(match[2])))
        for match in found:
            sample = json.loads(archive.read(match[0]))
            if not sample.get("error") and SCORER in (sample.get("scores") or {}):
                yield row_of(sample)


def read_header(log: Path) -> EvalLog:
    """Read a log without its samples."""
    return read_eval_log(str(log), header_only=True)


def row_of(sample: Mapping[str, Any]) -> Row:
    """Return a sample, as inspect writes it in JSON, as a row."""
    score = sample["scores"][SCORER]
    value, told = score["value"], score.get("metadata") or {}
    values = value if isinstance(value, Mapping) else {SCORE: value}
    metadata = dict(sample["metadata"])
    return Row(
        id=str(sample["id"]),
        epoch=int(sample["epoch"]),
        cluster=str(told.get("cluster") or sample["id"]),
        values={name: _finite(value) for name, value in values.items()},
        verdicts=tuple(told.get("verdicts", ())),
        asked=int(told.get("asked", 0)),
        unscored=int(told.get("unscored", 0)),
        question=_written(sample["input"]),
        answered=Answered(**metadata.pop(ANSWER)),
        metadata=metadata,
    )


def _finite(value: object) -> float | None:
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def _written(asked: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(asked, str):
        return asked
    return "\n\n".join(f"{message['role']}: {_text(message['content'])}" for message in asked)


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] if part["type"] == "text" else f"[{part['type']}]" for part in content)
