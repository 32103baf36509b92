"""What schemathesis is told beside the document: which models there are, since no document can know an engine's."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext

from tests.service.api.scripted_engine import ENGINE_MODEL

MODELS = ("preceptor", ENGINE_MODEL)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, object]) -> None:
    """Name a model that is there half of the time, or nothing but its absence would be tested."""
    name = case.body.get("model") if isinstance(case.body, dict) else None
    if isinstance(case.body, dict) and isinstance(name, str) and len(name) % 2:
        case.body["model"] = MODELS[len(case.body) % 2]
