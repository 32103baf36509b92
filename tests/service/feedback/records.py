"""Feedback for tests."""

import time
import uuid
from typing import Any

from service.revision.feedback import FeedbackRecord


def record(**changed: Any) -> FeedbackRecord:
    """A whole record, with some of its fields as they are wanted."""
    fields: dict[str, Any] = {
        "schema": "preceptor.feedback/1",
        "id": f"fb-{uuid.uuid4().hex}",
        "created": time.time_ns() // 1000 / 1_000_000,
        "client": None,
        "revision_id": "rev-1",
        "preferred": "revision",
        "reviewer": {"role": "nurse", "pseudonym": "r-1"},
        "patient": "p-1",
        "verdicts": [{"criterion": 1, "subject": "revision", "met": False}],
        "rubric": [
            {"action": "add", "text": "Asks about allergies", "points": 5, "principle": "safety.a"},
            {"action": "change", "criterion": 1, "text": None, "points": -3},
            {"action": "remove", "criterion": 1},
        ],
        "content": "stored",
        "own_edit": None,
        "note": "A note, \u4e2d\u6587.",
        "messages": [{"role": "user", "content": "My chest hurts."}],
        "revision": {
            "model": "preceptor",
            "outcome": "revised",
            "prompts": "full@01234567",
            "draft": "Rest.",
            "answer": "Rest. Call an ambulance.",
            "principles": ["urgency.a"],
            "criteria": [
                {
                    "number": 1,
                    "text": "Says to call an ambulance",
                    "points": 9,
                    "principle": "urgency.a",
                    "before": {"probability": 0.03, "met": False, "satisfied": False},
                    "after": None,
                }
            ],
        },
    }
    return FeedbackRecord.model_validate(fields | changed)
