"""Whether a file of training data holds the rubrics that a model is to be tested by.

Invariant: consensus criteria do not count: their few texts stand in thousands of examples, so that two files may share
them and no question. Training sets made from HealthBench (RuscaRL's) may hold examples of HealthBench-Hard.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.files import raw_rows
from training.data.healthbench import HealthBenchRow
from training.evaluation.healthbench.formula import CONSENSUS_LEVEL


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the test's own ``criteria`` the training data holds too, and the test's examples that have one."""

    shared: int
    criteria: int
    prompt_ids: tuple[str, ...]


def overlap(training: Iterable[str], test: Sequence[HealthBenchRow]) -> Overlap:
    """Compare criteria by text; width, case and spacing do not count."""
    asked = {row.prompt_id: {_key(c.criterion) for c in row.rubrics if CONSENSUS_LEVEL not in c.tags} for row in test}
    criteria = set().union(*asked.values())
    shared = criteria.intersection(_key(text) for text in training)
    touched = tuple(prompt_id for prompt_id, own in asked.items() if own & shared)
    return Overlap(len(shared), len(criteria), touched)


def criteria_in(path: Path) -> Iterator[str]:
    """Yield every text under a key ``criterion``, however deep, of a JSONL or Parquet file of any kind.

    Raises ``UnreadableFile``.
    """
    for row in raw_rows(path):
        yield from _criteria(row.value)


def _criteria(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        found = value.get("criterion")
        if isinstance(found, str):
            yield found
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _criteria(part)


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
