"""What passes between verl's reward workers and the group judge: one rollout in, one judgement out.

Invariant: both are plain values that pickle; a reward of None is unscored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.trl_adapter.questions import Question


@dataclass(frozen=True, slots=True)
class Rollout:
    """One answer to a question. ``uid`` names its group, which has ``group`` rollouts; ``session`` tells them apart.

    ``step`` is verl's global step, ``split`` is ``train`` or ``validation``.
    """

    uid: str
    session: str
    group: int
    step: int
    split: str
    question: Question
    answer: str
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """The guarded reward of one rollout. ``score`` is the reward before ``penalty`` (0 or less) was added.

    ``scores`` are by axis or dimension. ``together`` counts the rollouts that were judged with it, itself among them;
    ``failed`` says that no judge could be reached.
    """

    reward: float | None
    score: float | None
    penalty: float
    unscored: int
    parts: int
    together: int
    failed: bool = False
    scores: Mapping[str, float | None] = field(default_factory=dict)
