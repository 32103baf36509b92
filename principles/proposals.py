"""Owns what reviewers add to rubrics that no principle covers, as rows of a review sheet.

Invariant: a criterion counts as covered only by one that the rubric's writer made from a principle, or where its
reviewer named one; every other is shown, and a person decides.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import ValidationError

from principles.corpus import Corpus, CorpusError, describe
from principles.embedding import Embedder, Vectors
from principles.sameness import groups_of_same, nearest_of
from principles.schema import MAX_TITLE_LENGTH, TITLE_WORDS, Points, Polarity, PrincipleId, Record, Text

SAME_AS = 0.8
MAX_EXAMPLES = 8
MAX_CELL_CHARS = 500
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


class RubricCriterion(Record):
    """One criterion of a reviewed rubric, as ``training feedback export`` writes it.

    ``origin`` says who wrote it, the rubric's model or a reviewer; ``feedback`` is the record that it stands in.
    """

    feedback: Text
    question: Text
    criterion: Text
    points: Points
    principle_id: PrincipleId | None = None
    origin: Literal["drafted", "reviewer"]
    reviewer: str | None = None

    @property
    def polarity(self) -> Polarity:
        """Whether it asks for something, or names a fault."""
        return "avoid" if self.points < 0 else "do"


@dataclass(frozen=True, slots=True)
class Proposals:
    """The sheet's ``rows``, most asked for first; how often each principle covered what reviewers added.

    ``added`` criteria came from reviewers, of whom ``reviewers`` are told apart.
    """

    rows: tuple[dict[str, str], ...]
    covered: Counter[str]
    added: int
    reviewers: int


def read_criteria(path: Path) -> tuple[RubricCriterion, ...]:
    """Read JSON lines. Raises CorpusError with every fault by line, and FileNotFoundError."""
    faults: list[str] = []
    rows: list[RubricCriterion] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path.name}: line {number}"
        try:
            rows.append(RubricCriterion.model_validate(json.loads(line)))
        except json.JSONDecodeError as error:
            faults.append(f"{place}: not JSON: {error}")
        except ValidationError as error:
            faults += describe(error, place)
    if not rows and not faults:
        faults.append(f"{path.name}: no criteria")
    if faults:
        raise CorpusError(faults)
    return tuple(rows)


def propose(
    rows: Sequence[RubricCriterion], corpus: Corpus, embed: Embedder, same_as: float = SAME_AS, min_support: int = 1
) -> Proposals:
    """Group what reviewers added by meaning, leave out what principles cover, and make a sheet's row of each group.

    Two criteria are the same from a cosine of ``same_as`` on, with the same sign of points: of the miniclinic's
    criteria 82% have another wording of their own item that near (`tests/principles/test_proposals.py`).
    ``min_support`` questions must ask for what is proposed.
    """
    added = [row for row in rows if row.origin == "reviewer"]
    cited = [row for row in rows if row.origin == "drafted" and row.principle_id is not None]
    named = Counter(row.principle_id for row in added if row.principle_id is not None)
    open_ = [row for row in added if row.principle_id is None]
    covered: Counter[str] = Counter({id_: count for id_, count in named.items() if id_ is not None})
    made: list[dict[str, str]] = []
    if open_:
        vectors, polarities = embed([row.criterion for row in open_]), [row.polarity for row in open_]
        by_principle = _nearest_cited(vectors, polarities, cited, embed)
        for group in groups_of_same(vectors, polarities, same_as):
            near = max((by_principle[row] for row in group), key=lambda found: found[1])
            if near[0] is not None and near[1] >= same_as:
                covered[near[0]] += len(group)
            elif len({open_[row].question for row in group}) >= min_support:
                made.append(_row([open_[row] for row in group], vectors[group], corpus, embed, len(made) + 1))
    made.sort(key=lambda row: -int(row["support"]))
    return Proposals(tuple(made), covered, len(added), len({row.reviewer for row in added if row.reviewer}))


def _nearest_cited(
    vectors: Vectors, polarities: Sequence[str], cited: Sequence[RubricCriterion], embed: Embedder
) -> list[tuple[str | None, float]]:
    """For each row of ``vectors`` the principle behind the likest criterion that was made from one, and the cosine."""
    if not cited:
        return [(None, 0.0)] * len(vectors)
    distinct = list({row.criterion: row for row in cited}.values())
    found = nearest_of(vectors, polarities, embed([row.criterion for row in distinct]), [r.polarity for r in distinct])
    return [(None, 0.0) if near is None else (distinct[near[0]].principle_id, near[1]) for near in found]


def _row(
    group: Sequence[RubricCriterion], vectors: Vectors, corpus: Corpus, embed: Embedder, number: int
) -> dict[str, str]:
    """The sheet's row of one group, worded as its most central criterion; ``why`` is the reviewer's to give."""
    central = group[int((vectors @ vectors.mean(axis=0)).argmax())]
    near = nearest_of(
        embed([central.criterion]),
        [central.polarity],
        embed([principle.statement for principle in corpus.principles]),
        [principle.polarity for principle in corpus.principles],
    )[0]
    nearest = None if near is None else corpus.principles[near[0]]
    dimension = "task_type" if nearest is None else nearest.dimension
    examples = [central.criterion, *dict.fromkeys(row.criterion for row in group if row is not central)]
    return {
        "id": f"{dimension}.proposed-{number}",
        "dimension": dimension,
        "title": _title(central.criterion),
        "statement": central.criterion,
        "why": "",
        "polarity": central.polarity,
        "points": str(_points(group)),
        "applies_urgency": "",
        "applies_uncertainty": "",
        "applies_expertise": "",
        "applies_task_type": "",
        "support": str(len({row.question for row in group})),
        "same_as": "",
        "similarity": "" if nearest is None or near is None else f"{near[1]:.2f} {nearest.id}",
        "examples": "\n".join(text[:MAX_CELL_CHARS] for text in examples[:MAX_EXAMPLES]),
    }


def _points(group: Sequence[RubricCriterion]) -> int:
    """The median, half points rounded away from 0, so that none becomes 0."""
    size = int(median(abs(row.points) for row in group) + 0.5)
    return size if group[0].points > 0 else -size


def _title(text: str) -> str:
    """As many first words as a title may have; fewer than it must have are left to the reviewer."""
    words: list[str] = []
    for word in _words(text):
        if len(" ".join([*words, word])) > MAX_TITLE_LENGTH or len(words) + 1 >= TITLE_WORDS.stop:
            break
        words.append(word)
    return " ".join(words)


def _words(text: str) -> Iterator[str]:
    return (found.group() for found in _WORD.finditer(text))
