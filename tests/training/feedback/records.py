"""Feedback records for tests: one complete record, changed by keyword."""

import json
from typing import Any

from service.revision.feedback import FeedbackRecord, read_record

CRITERIA = [
    {"number": 1, "text": "Says to call an ambulance", "points": 9, "principle": "urgency.red-flags-to-watch",
     "before": {"probability": 0.04, "met": False, "satisfied": False},
     "after": {"probability": 0.98, "met": True, "satisfied": True}},
    {"number": 2, "text": "Asks when the pain began", "points": 4, "principle": "uncertainty.ask-onset-and-course",
     "before": {"probability": 0.1, "met": False, "satisfied": False}, "after": None},
    {"number": 3, "text": "Recommends ibuprofen", "points": -8, "principle": None, "before": None, "after": None},
]  # fmt: skip


def revision(**changes: Any) -> dict[str, Any]:
    """A revision as a reviewer saw it."""
    given = {
        "model": "preceptor",
        "outcome": "revised",
        "prompts": "full@0123abcd",
        "principles": [],
        "criteria": CRITERIA,
    }
    return {**given, "draft": "Rest. Wait.", "answer": "Rest. Call an ambulance.", **changes}


def line(**changes: Any) -> str:
    """One line of an export."""
    given: dict[str, Any] = {
        "schema": "preceptor.feedback/1",
        "id": "fb-1",
        "created": 1764037520.5,
        "client": "ward-app",
        "revision_id": "rev-1",
        "preferred": "revision",
        "reviewer": {"role": "physician", "pseudonym": "r-17"},
        "patient": "p-1",
        "verdicts": [],
        "rubric": [],
        "content": "stored",
        "own_edit": None,
        "note": None,
        "messages": [{"role": "user", "content": "My chest hurts."}],
        "revision": revision(),
    }
    return json.dumps({**given, **changes})


def record(**changes: Any) -> FeedbackRecord:
    """One record."""
    return read_record(line(**changes))


def by(pseudonym: str) -> dict[str, str]:
    """A reviewer."""
    return {"role": "physician", "pseudonym": pseudonym}
