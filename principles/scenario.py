"""Owns the scenario of a conversation: read from the labels of the nearest exemplars in the embedding space.

Invariant: the same vector always gives the same scenario; confidences lie in (0, 1] and belong to the winning label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import numpy.typing as npt
from pydantic import Field

from principles.embedding import Embedder, Vectors, normalised
from principles.query import render
from principles.schema import Dimension, Expertise, PrincipleId, Record, Scenario, TaskType, Uncertainty, Urgency

EXEMPLARS_FOLDER = Path(__file__).with_name("exemplars")
LABELS: Mapping[Dimension, tuple[str, ...]] = {
    "urgency": get_args(Urgency),
    "uncertainty": get_args(Uncertainty),
    "expertise": get_args(Expertise),
    "task_type": get_args(TaskType),
}
NEIGHBOURS = 15
SHARPNESS = 10.0
RIDGE = 1.0


class Turn(Record):
    """One text message of an exemplar."""

    role: str
    content: str


class Exemplar(Record):
    """A conversation with its scenario, and the principles that bear on it most."""

    messages: Annotated[tuple[Turn, ...], Field(min_length=1)]
    scenario: Scenario
    principles: tuple[PrincipleId, ...] = ()

    @property
    def text(self) -> str:
        """What is embedded for it."""
        return render([turn.model_dump() for turn in self.messages])


@dataclass(frozen=True)
class Classified:
    """A scenario and, for each dimension, the share of the vote that its label won."""

    scenario: Scenario
    confidence: Mapping[Dimension, float]


def load_exemplars(folder: Path = EXEMPLARS_FOLDER) -> tuple[Exemplar, ...]:
    """Every record of the folder's `*.jsonl` files, in name and line order; a ValueError names a bad one's line."""
    exemplars: list[Exemplar] = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                exemplars.append(Exemplar.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{file.name}:{number}: {error}") from error
    return tuple(exemplars)


class ScenarioClassifier:
    """Similarity-weighted vote of the nearest exemplars, once per dimension.

    Each dimension has its own view of the space: a linear projection fitted to the exemplars' labels by ridge
    regression when the classifier is built, so that nearness there means nearness in that respect. Works with any
    embedder.
    """

    def __init__(self, exemplars: Sequence[Exemplar], embed: Embedder, neighbours: int = NEIGHBOURS) -> None:
        vectors = embed([exemplar.text for exemplar in exemplars])
        self._views = [
            _View(vectors, [getattr(exemplar.scenario, dimension) for exemplar in exemplars], labels, neighbours)
            for dimension, labels in LABELS.items()
        ]

    def classify(self, vector: Vectors) -> Classified:
        """`vector` has shape (dimension,) and unit length."""
        votes = [view.vote(vector) for view in self._views]
        names = dict(zip(LABELS, votes, strict=True))
        scenario = Scenario.model_validate({dimension: label for dimension, (label, _) in names.items()})
        return Classified(scenario, {dimension: share for dimension, (_, share) in names.items()})


class _View:
    """The exemplars as one dimension sees them."""

    def __init__(self, vectors: Vectors, values: Sequence[str], labels: tuple[str, ...], neighbours: int) -> None:
        self._labels = labels
        self._neighbours = min(neighbours, len(values))
        one_hot = np.array([[value == label for label in labels] for value in values], dtype=np.float32)
        self._one_hot = one_hot
        self._mean = vectors.mean(axis=0)
        self._projection = _ridge(vectors - self._mean, one_hot - one_hot.mean(axis=0))
        self._rows = normalised((vectors - self._mean) @ self._projection)

    def vote(self, vector: Vectors) -> tuple[str, float]:
        point = normalised((vector - self._mean) @ self._projection)
        similarities = self._rows @ point
        nearest = np.argsort(-similarities, kind="stable")[: self._neighbours]
        weights = np.exp(SHARPNESS * (similarities[nearest] - similarities[nearest[0]]))
        shares = weights @ self._one_hot[nearest] / weights.sum()
        best = int(shares.argmax())
        return self._labels[best], float(shares[best])


def _ridge(inputs: Vectors, targets: Vectors) -> npt.NDArray[np.float32]:
    gram = inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
    solution: npt.NDArray[np.float32] = np.linalg.solve(gram, inputs.T @ targets).astype(np.float32)
    return solution
