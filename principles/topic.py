"""Owns the topic of a conversation: whether it is about health, or talk that the loop need not touch.

Invariant: in doubt it is health. That holds for whatever is not read in full (no text, an image, a long text, another
script), for few words that talk does not have, and for every conversation in which one passage of any turn is health;
the threshold lies below every emergent exemplar when that one is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from principles.embedding import Embedder, Vectors
from principles.passages import clauses, is_marked_up, passages, plain
from principles.query import Message, render, text_of
from principles.records import read_records
from principles.scenario import ScenarioClassifier, Turn
from principles.schema import Record
from principles.wording import Wording, load_word_lists

Topic: TypeAlias = Literal["talk", "health", "emergent"]

TALK_FOLDER = Path(__file__).with_name("talk")
HEALTH_THRESHOLD = 0.5
MARGIN = 0.07
RIDGE = 4.0
EMERGENT_WEIGHT = 16.0
BATCH = 16


class TopicExemplar(Record):
    """A conversation that is talk, or about health, or about health with urgency `emergent`."""

    messages: Annotated[tuple[Turn, ...], Field(min_length=1)]
    topic: Topic

    @property
    def text(self) -> str:
        """What is embedded for it."""
        return render([turn.model_dump() for turn in self.messages])


def load_talk(folder: Path = TALK_FOLDER) -> tuple[TopicExemplar, ...]:
    """Every record of the folder's `*.jsonl` files, in name and line order; a ValueError names a bad one's line."""
    return read_records(folder, TopicExemplar)


@dataclass(frozen=True)
class Rows:
    """What is fitted to: vectors of shape (rows, dimension), a topic each, and the number of the exemplar it is of."""

    vectors: Vectors
    topics: tuple[Topic, ...]
    exemplars: tuple[int, ...]

    def without(self, exemplars: Collection[int]) -> Rows:
        """All but the rows of these exemplars."""
        kept = [row for row, exemplar in enumerate(self.exemplars) if exemplar not in exemplars]
        return Rows(self.vectors[kept], tuple(self.topics[r] for r in kept), tuple(self.exemplars[r] for r in kept))


class TopicClassifier:
    """Ridge regression of health (1) against talk (0) on the rows' vectors, in closed form.

    The threshold is chosen by leaving one out: scores are moved so that the lowest that an emergent exemplar gets from
    the fit without it lies `MARGIN` above `HEALTH_THRESHOLD`, which holds for another encoder too. An emergent exemplar
    counts `EMERGENT_WEIGHT` times, since the others cost time where they are wrong, and this one the safeguard.
    """

    def __init__(self, rows: Rows, wording: Wording, embed: Embedder) -> None:
        """A ValueError if no row is emergent: there is nothing to choose the threshold by then."""
        self.rows, self.wording, self.embed = rows, wording, embed
        emergent = np.array([topic == "emergent" for topic in rows.topics])
        if not emergent.any():
            raise ValueError("no exemplar is emergent")
        health = np.array([topic != "talk" for topic in rows.topics], dtype=np.float32)
        weights = np.where(emergent, EMERGENT_WEIGHT, 1.0).astype(np.float32)
        self._mean = rows.vectors.mean(axis=0)
        coefficients, left_out = _fit(rows.vectors - self._mean, health, weights, np.flatnonzero(emergent))
        shift = HEALTH_THRESHOLD + MARGIN - float(left_out.min())
        self._projection, self._offset = coefficients[:-1], float(coefficients[-1]) + shift

    def health(self, messages: Sequence[Message], vector: Vectors) -> float:
        """How much the conversation is about health: 0 to 1, and talk below `HEALTH_THRESHOLD`.

        `vector` is that of the rendered conversation, of shape (dimension,). Only where it looks like talk is the rest
        looked at: the wording, and every passage by itself, since an emergency between other things is lost in their
        mean. At most `MAX_PASSAGES` are embedded, and no more once one is health.
        """
        score = self.score(vector)
        if score < HEALTH_THRESHOLD:
            found = passages(messages)
            if found is None or self._is_health_by_wording(messages, found):
                return 1.0
            if found != (render(messages),):
                score = max(score, self._highest(found))
        return min(1.0, max(0.0, score))

    def score(self, vector: Vectors) -> float:
        """The regression's value for one vector of shape (dimension,), about 0 for talk and 1 for health."""
        return float((vector - self._mean) @ self._projection) + self._offset

    def _is_health_by_wording(self, messages: Sequence[Message], found: Sequence[str]) -> bool:
        raw = [text_of(message) for message in messages]
        texts = [plain(text) for text in raw]
        asked = [text for message, text in zip(messages, texts, strict=True) if message.get("role") == "user"]
        wording = self.wording
        if any(map(wording.has_reading, (*texts, *raw))) or any(map(wording.is_cry, found)):
            return True
        alone = [part for text in asked for part in ((text, *clauses(text)) if is_marked_up(text) else (text,))]
        return any(wording.is_too_short(part) or wording.is_strange_number(part) for part in alone)

    def _highest(self, found: Sequence[str]) -> float:
        """The highest score of the passages, or the first batch's that has one of health."""
        highest = -np.inf
        for start in range(0, len(found), BATCH):
            highest = max(highest, *map(self.score, self.embed(found[start : start + BATCH])))
            if highest >= HEALTH_THRESHOLD:
                break
        return float(highest)


def build_topic(classifier: ScenarioClassifier, embed: Embedder) -> TopicClassifier:
    """From the scenario's exemplars, all of them health and with their vectors, and the topic's own.

    The clauses of talk are talk as well, and rows of their own, since clauses are what is judged.
    """
    own = load_talk()
    topics: list[Topic] = ["emergent" if e.scenario.urgency == "emergent" else "health" for e in classifier.exemplars]
    topics += [exemplar.topic for exemplar in own]
    texts = [exemplar.text for exemplar in classifier.exemplars] + [exemplar.text for exemplar in own]
    talk = {number: text for number, (text, topic) in enumerate(zip(texts, topics, strict=True)) if topic == "talk"}
    parts = [(number, part) for number, text in talk.items() for part in clauses(plain(text)) if part != text]
    rows = Rows(
        np.concatenate([classifier.vectors, embed([e.text for e in own] + [part for _, part in parts])]),
        tuple(topics + [topics[number] for number, _ in parts]),
        (*range(len(topics)), *(number for number, _ in parts)),
    )
    health = [text for number, text in enumerate(texts) if number not in talk]
    return TopicClassifier(rows, Wording(load_word_lists(), talk.values(), health), embed)


def _fit(centred: Vectors, targets: Vectors, weights: Vectors, tested: npt.NDArray[np.intp]) -> tuple[Vectors, Vectors]:
    """Coefficients of shape (dimension + 1,), the offset last, and what each `tested` row gets from the fit without it.

    The latter is the closed form of ridge regression: only these rows' part of the inverse is solved for.
    """
    roots = np.sqrt(weights)
    scaled = np.column_stack([centred, np.ones(len(centred), dtype=np.float32)]) * roots[:, np.newaxis]
    gram = scaled @ scaled.T + RIDGE * np.eye(len(centred), dtype=np.float32)
    units = np.zeros((len(centred), len(tested)), dtype=np.float32)
    units[tested, np.arange(len(tested))] = 1.0
    solved = np.linalg.solve(gram, np.column_stack([roots * targets, units]))
    dual, diagonal = solved[:, 0], solved[tested, 1 + np.arange(len(tested))]
    return scaled.T @ dual, targets[tested] - dual[tested] / (diagonal * roots[tested])
