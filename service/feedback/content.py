"""How much of a feedback's texts is stored.

Invariant: where content is withheld, no text of a patient's, a model's or a reviewer's is in what is returned here; all
that stays is chosen from closed sets, numbers, and references without spaces.
"""

from collections.abc import Callable
from typing import Any

from service.feedback.deidentify import deidentified
from service.revision.feedback import Content, FeedbackRecord

_TEXTS = frozenset({"own_edit", "note", "text", "draft", "answer"})


def kept(record: FeedbackRecord, content: Content) -> FeedbackRecord:
    """The record as it may be stored."""
    fields = record.model_dump(by_alias=True) | {"content": content}
    match content:
        case Content.STORED:
            pass
        case Content.DEIDENTIFIED:
            fields = {name: _changed(name, value, deidentified) for name, value in fields.items()}
        case Content.WITHHELD:
            fields |= dict.fromkeys(("own_edit", "note", "messages", "revision"))
            fields["rubric"] = [edit | {"text": None} if "text" in edit else edit for edit in fields["rubric"]]
    return FeedbackRecord.model_validate(fields)


def _changed(name: str, value: Any, change: Callable[[str], str]) -> Any:
    """Change every text below ``value``, and nothing else."""
    if isinstance(value, list):
        return [_changed(name, item, change) for item in value]
    if isinstance(value, dict):
        return {key: _changed("text" if key == "content" else key, item, change) for key, item in value.items()}
    return change(value) if isinstance(value, str) and name in _TEXTS else value
