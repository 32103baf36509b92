"""Owns unlabelled queries: questions that rubrics are still to be written for."""

from principles.schema import Scenario
from training.data.fields import Id, Line, Prompt, Row


class Query(Row):
    """One question, with its scenario where that is known."""

    id: Id
    prompt: Prompt
    source: Line | None = None
    scenario: Scenario | None = None
