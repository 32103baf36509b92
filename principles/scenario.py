"""Owns the scenario of a conversation: read from the labels of the nearest exemplars in the embedding space.

Invariant: the same vector always gives the same scenario; confidences lie in (0, 1] and belong to the winning label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
from pydantic import Field

from principles.embedding import Embedder, Vectors
from principles.query import render
from principles.records import read_records
from principles.schema import Dimension, Expertise, PrincipleId, Record, Scenario, TaskType, Uncertainty, Urgency

EXEMPLARS_FOLDER = Path(__file__).with_name("exemplars")
LABELS: Mapping[Dimension, tuple[str, ...]] = {
    "urgency": get_args(Urgency),
    "uncertainty": get_args(Uncertainty),
    "expertise": get_args(Expertise),
    "task_type": get_args(TaskType),
}
NEIGHBOURS = 31
SHARPNESS = 20.0
RIDGE = 0.2


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
    return read_records(folder, Exemplar)


class ScenarioClassifier:
    """Similarity-weighted vote of the nearest exemplars, once per dimension.

    Each dimension has its own view of the space: a linear projection fitted to the exemplars' labels by ridge
    regression when the classifier is built, so that nearness there means nearness in that respect. An exemplar lies
    where the projection fitted without it would put it, since questions to come were not fitted either.
    """

    def __init__(self, exemplars: Sequence[Exemplar], embed: Embedder, neighbours: int = NEIGHBOURS) -> None:
        self.exemplars = tuple(exemplars)
        self.vectors = embed([exemplar.text for exemplar in exemplars])
        self._mean = self.vectors.mean(axis=0)
        centred = self.vectors - self._mean
        inverse = np.linalg.inv(centred @ centred.T + RIDGE * np.eye(len(exemplars), dtype=np.float32))
        self._views = {
            dimension: _View(centred, inverse, [getattr(e.scenario, dimension) for e in exemplars], labels, neighbours)
            for dimension, labels in LABELS.items()
        }

    def classify(self, vector: Vectors) -> Classified:
        """`vector` has shape (dimension,) and unit length."""
        votes = {dimension: view.vote(vector - self._mean) for dimension, view in self._views.items()}
        scenario = Scenario.model_validate({dimension: label for dimension, (label, _) in votes.items()})
        return Classified(scenario, {dimension: share for dimension, (_, share) in votes.items()})


class _View:
    """The exemplars as one dimension sees them: points of as many coordinates as the dimension has labels.

    `inverse` is (K + ridge I)^-1 for the exemplars' inner products K, so the left-out predictions come in closed form.
    """

    def __init__(
        self, centred: Vectors, inverse: Vectors, values: Sequence[str], labels: tuple[str, ...], neighbours: int
    ) -> None:
        self._labels = labels
        self._neighbours = min(neighbours, len(values))
        self._one_hot = np.array([[value == label for label in labels] for value in values], dtype=np.float32)
        targets = self._one_hot - self._one_hot.mean(axis=0)
        dual = inverse @ targets
        self._projection = (centred.T @ dual).astype(np.float32)
        self._points = (targets - dual / np.diag(inverse)[:, np.newaxis]).astype(np.float32)

    def vote(self, centred: Vectors) -> tuple[str, float]:
        """The winning label and its share, for a vector less the exemplars' mean."""
        distances = np.square(self._points - centred @ self._projection).sum(axis=1)
        nearest = np.argsort(distances, kind="stable")[: self._neighbours]
        weights = np.exp(-SHARPNESS * (distances[nearest] - distances[nearest[0]]))
        shares = weights @ self._one_hot[nearest] / weights.sum()
        best = int(shares.argmax())
        return self._labels[best], min(1.0, float(shares[best]))
