"""Owns the types of a principle and of a scenario.

Invariant: every model is frozen and refuses unknown fields, and the sign of a principle's points follows its polarity.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Urgency = Literal["emergent", "conditionally_emergent", "non_emergent"]
Uncertainty = Literal["none", "reducible", "irreducible"]
Expertise = Literal["lay", "professional"]
TaskType = Literal[
    "information", "triage", "diagnosis", "treatment", "medication", "interpretation", "documentation", "support"
]
Dimension = Literal["urgency", "uncertainty", "expertise", "task_type"]
Polarity = Literal["do", "avoid"]
ReviewStatus = Literal["unreviewed", "accepted", "edited", "rejected"]

DEFAULT_BASIS = "clinical-consensus"
MAX_TITLE_LENGTH = 45
TITLE_WORDS = range(3, 8)
_TITLE = re.compile(r"[^\W_]+(?:-[^\W_]+)*(?: [^\W_]+(?:-[^\W_]+)*)*")

PrincipleId = Annotated[
    str, StringConstraints(pattern=r"^(urgency|uncertainty|expertise|task_type)\.[a-z0-9]+(-[a-z0-9]+)*$")
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
SourceKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Points = Annotated[int, Field(ge=-10, le=10, strict=True)]


class Record(BaseModel):
    """Base of every record here: immutable and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scenario(Record):
    """Where a question stands on the four dimensions."""

    urgency: Urgency
    uncertainty: Uncertainty
    expertise: Expertise
    task_type: TaskType


class Applies(Record):
    """The scenarios a principle is for; an empty tuple admits any value of that dimension."""

    urgency: tuple[Urgency, ...] = ()
    uncertainty: tuple[Uncertainty, ...] = ()
    expertise: tuple[Expertise, ...] = ()
    task_type: tuple[TaskType, ...] = ()

    def admits(self, scenario: Scenario) -> bool:
        """Whether every constrained dimension contains the scenario's value."""
        return (
            (not self.urgency or scenario.urgency in self.urgency)
            and (not self.uncertainty or scenario.uncertainty in self.uncertainty)
            and (not self.expertise or scenario.expertise in self.expertise)
            and (not self.task_type or scenario.task_type in self.task_type)
        )


class Review(Record):
    """What a clinician has said of a principle; nobody has, by default."""

    status: ReviewStatus = "unreviewed"
    reviewer: str | None = None
    date: dt.date | None = None

    @model_validator(mode="after")
    def _named_when_reviewed(self) -> Self:
        if self.status != "unreviewed" and (self.reviewer is None or self.date is None):
            raise ValueError(f"status {self.status} needs a reviewer and a date")
        return self


class Principle(Record):
    """One checkable rule about an answer, with its scope, weight and origin."""

    id: PrincipleId
    dimension: Dimension
    title: str
    applies: Applies
    polarity: Polarity
    statement: Text
    why: Text
    points: Points
    basis: SourceKey = DEFAULT_BASIS
    review: Review = Review()

    @field_validator("title")
    @classmethod
    def _short_title(cls, title: str) -> str:
        if len(title) > MAX_TITLE_LENGTH:
            raise ValueError(f"title has {len(title)} characters, at most {MAX_TITLE_LENGTH} allowed")
        if len(title.split()) not in TITLE_WORDS:
            raise ValueError(f"title has {len(title.split())} words, 3 to 7 allowed")
        if not _TITLE.fullmatch(title):
            raise ValueError("title may hold only words, single spaces and hyphens")
        return title

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.points == 0 or (self.points < 0) != (self.polarity == "avoid"):
            raise ValueError(f"points {self.points} do not fit polarity {self.polarity}: do needs > 0, avoid < 0")
        if not self.id.startswith(f"{self.dimension}."):
            raise ValueError(f"id {self.id} does not begin with the dimension {self.dimension}")
        return self
