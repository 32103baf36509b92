"""Owns the topic of a conversation: whether it is about health, or talk that the loop need not touch.

Invariant: in doubt it is health. That holds for whatever is not read in full (no text, an image, a long text, another
script), for every conversation in which one sentence of the user's is, and above the score of every emergent exemplar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from principles.embedding import Embedder, Vectors
from principles.query import Message, render, text_of
from principles.scenario import ScenarioClassifier, Turn
from principles.schema import Record

Topic: TypeAlias = Literal["talk", "health", "emergent"]

TALK_FOLDER = Path(__file__).with_name("talk")
HEALTH_THRESHOLD = 0.5
MARGIN = 0.06
RIDGE = 4.0
EMERGENT_WEIGHT = 16.0
MAX_CHARACTERS = 3000
MAX_PASSAGES = 32
PASSAGE_CHARACTERS = 200
LEAST_ASCII = 0.9
_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")


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
    found: list[TopicExemplar] = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                found.append(TopicExemplar.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{file.name}:{number}: {error}") from error
    return tuple(found)


class TopicClassifier:
    """Ridge regression of health (1) against talk (0) on the exemplars' vectors, in closed form.

    The threshold is chosen by leaving one out: scores are moved so that the lowest that an emergent exemplar gets from
    the fit without it lies `MARGIN` above `HEALTH_THRESHOLD`, which holds for another encoder too. An emergent exemplar
    counts `EMERGENT_WEIGHT` times, since the others cost time where they are wrong, and this one the safeguard.
    """

    def __init__(self, vectors: Vectors, topics: Sequence[Topic], embed: Embedder) -> None:
        """`vectors` are the exemplars', of shape (exemplars, dimension), one for each of `topics`.

        A ValueError if none is emergent: there is nothing to choose the threshold by then.
        """
        self.embed = embed
        self.vectors, self.topics = vectors, tuple(topics)
        emergent = np.array([topic == "emergent" for topic in topics])
        if not emergent.any():
            raise ValueError("no exemplar is emergent")
        health = np.array([topic != "talk" for topic in topics], dtype=np.float32)
        weights = np.where(emergent, EMERGENT_WEIGHT, 1.0).astype(np.float32)
        self._mean = vectors.mean(axis=0)
        coefficients, left_out = _fit(vectors - self._mean, health, weights, np.flatnonzero(emergent))
        shift = HEALTH_THRESHOLD + MARGIN - float(left_out.min())
        self._projection, self._offset = coefficients[:-1], float(coefficients[-1]) + shift

    def health(self, messages: Sequence[Message], vector: Vectors) -> float:
        """How much the conversation is about health: 0 to 1, and talk below `HEALTH_THRESHOLD`.

        `vector` is that of the rendered conversation, of shape (dimension,). Only where it looks like talk are the
        user's sentences embedded and read one by one, since one emergency between other things is lost in their mean.
        """
        sentences = passages(messages)
        if sentences is None:
            return 1.0
        score = self.score(vector)
        alone = len(sentences) == 1 and sentences[0] == render(messages)
        if score < HEALTH_THRESHOLD and not alone:
            score = max(score, *map(self.score, self.embed(sentences)))
        return min(1.0, max(0.0, score))

    def score(self, vector: Vectors) -> float:
        """The regression's value for one vector of shape (dimension,), about 0 for talk and 1 for health."""
        return float((vector - self._mean) @ self._projection) + self._offset


def build_topic(classifier: ScenarioClassifier, embed: Embedder) -> TopicClassifier:
    """From the scenario's exemplars, all of them health and with their vectors, and the topic's own."""
    own = load_talk()
    topics: list[Topic] = ["emergent" if e.scenario.urgency == "emergent" else "health" for e in classifier.exemplars]
    vectors = np.concatenate([classifier.vectors, embed([exemplar.text for exemplar in own])])
    return TopicClassifier(vectors, [*topics, *(exemplar.topic for exemplar in own)], embed)


def passages(messages: Sequence[Message]) -> tuple[str, ...] | None:
    """The sentences of all the user's turns, each short enough for the encoder; None if not all of it can be read.

    That is: the last of the turns says nothing, one has a part that is not text, they are longer than `MAX_CHARACTERS`
    or `MAX_PASSAGES` together, or written in letters that the exemplars do not have.
    """
    turns = [message for message in messages if message.get("role") == "user"]
    texts = [text_of(turn) for turn in turns]
    if not texts or not texts[-1] or any(map(_has_other_parts, turns)):
        return None
    if sum(map(len, texts)) > MAX_CHARACTERS or not _is_ascii("".join(texts)):
        return None
    sentences = [sentence for text in texts for sentence in _ENDS.split(text)]
    found = tuple(dict.fromkeys(piece for sentence in sentences for piece in wrap(sentence, PASSAGE_CHARACTERS)))
    return found if len(found) <= MAX_PASSAGES else None


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


def _has_other_parts(turn: Message) -> bool:
    content = turn.get("content")
    parts = [] if isinstance(content, str) or not isinstance(content, Sequence) else content
    return any(not isinstance(part, Mapping) or part.get("type") != "text" for part in parts)


def _is_ascii(text: str) -> bool:
    letters = [character.isascii() for character in text if character.isalpha()]
    return sum(letters) >= LEAST_ASCII * len(letters)
