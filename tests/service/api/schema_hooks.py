"""What schemathesis is told beside the document: which models there are, since no document can know an engine's."""

import schemathesis
from schemathesis import Case, HookContext

from tests.service.api.scripted_engine import ENGINE_MODEL

MODELS = ("preceptor", ENGINE_MODEL)


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """Name a model that is there half of the time, or nothing but its absence would be tested."""
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str) and len(case.body["model"]) % 2:
        case.body["model"] = MODELS[len(case.body) % 2]
