"""Owns step 1: the scenario of a query, as given with it, from the principles' own classifier, or from an engine.

Invariant: a scenario is of the closed vocabulary; what an engine writes beside it is unreadable, never guessed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from principles.scenario import LABELS
from principles.schema import Scenario
from service.revision.prompts import Message
from service.revision.strict_json import NotStrictJSON, read_json
from training.synthesise.asking import Unreadable

_TEXT = (Path(__file__).parent / "prompts" / "scenario.txt").read_text(encoding="utf-8").rstrip("\n")
PROMPT_VERSION = f"scenario@{hashlib.sha256(_TEXT.encode()).hexdigest()[:8]}"
MAX_TOKENS = 120
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {str(name): {"type": "string", "enum": list(labels)} for name, labels in LABELS.items()},
    "required": [str(name) for name in LABELS],
    "additionalProperties": False,
}


def scenario_prompt(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Append the question to the conversation, whose beginning the rubric's prompt shares."""
    return (*messages, {"role": "user", "content": _TEXT})


def parse_scenario(text: str) -> Scenario:
    """Read an engine's answer. Raises ``Unreadable``."""
    try:
        return Scenario.model_validate(read_json(text))
    except NotStrictJSON as error:
        raise Unreadable(f"the scenario is not JSON: {error}") from error
    except ValidationError as error:
        raise Unreadable(f"no scenario of the vocabulary: {error.errors()[0]['msg']}") from error
