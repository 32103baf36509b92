"""The API under generated requests: no 5xx, every answer as the OpenAPI document says, no byte of a draft lost."""

from typing import Any

import httpx
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from service.revision.sentences import split
from tests.service.api.scripted_engine import ENGINE_MODEL, Script

pytestmark = pytest.mark.slow

EXAMPLES = 60
MODELS = ("preceptor", ENGINE_MODEL)
QUESTION = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]
# The gateway's fixtures serve every example; what they share, the script, is the same for all of them.
shared = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)


POSTED = (
    "/v1/chat/completions",
    "/v1/revisions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/principles/search",
    "/v1/feedback",
)
READ = (
    "/v1/models",
    "/v1/models/{name}",
    "/v1/principles",
    "/v1/principles/{principle_id}",
    "/v1/feedback/export",
    "/v1/feedback/{feedback_id}",
    "/healthz",
    "/readyz",
    "/metrics",
)
VALID = [(path, GenerationMode.POSITIVE) for path in POSTED + READ]
INVALID = [(path, GenerationMode.NEGATIVE) for path in (*POSTED, "/v1/principles")]


def test_every_path_is_in_the_document(url: str) -> None:
    assert set(httpx.get(f"{url}/openapi.json").json()["paths"]) == set(POSTED + READ)


@pytest.mark.parametrize(("path", "mode"), VALID + INVALID)
def test_the_document_holds(url: str, path: str, mode: GenerationMode) -> None:
    """A model that is there is named half of the time, or nothing but its absence would be tested.

    Requests outside the schema may be answered, since what only the engine knows is left to the engine; and inside it
    refused, since a schema cannot say that a conversation needs a user's message.
    """
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")

    def holds(case: Case[Any]) -> None:
        if isinstance(case.body, dict) and len(str(case.body.get("model", "."))) % 2:
            case.body["model"] = MODELS[len(case.body) % 2]
        response = case.call()
        assert response.status_code < 500
        case.validate_response(response, excluded_checks=[negative_data_rejection, positive_data_acceptance])

    for operation in document[path].values():
        # A function of its own for each: settings are applied to one once.
        given(case=operation.as_strategy(generation_mode=mode))(shared(lambda case: holds(case)))()


@given(content=st.binary(max_size=300))
@shared
def test_any_bytes_get_an_error_object(url: str, content: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/revisions"):
        response = httpx.post(f"{url}{path}", content=content)
        assert response.status_code == 400
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
drafts = st.lists(
    st.one_of(
        texts, st.sampled_from(("Rest. ", "- a\n", "| a | b |\n", "```\n", "~~~\n", "1. x\n", "。", "؟ ", "\r\n"))
    ),
    min_size=1,
    max_size=12,
).map("".join)


@given(draft=drafts.filter(bool), number=st.integers(0, 12), operation=st.sampled_from(("insert_after", "replace")))
@shared
def test_no_byte_of_a_draft_is_lost(url: str, script: Script, draft: str, number: int, operation: str) -> None:
    """Every unit that the edit does not name stands in the answer, in order, byte for byte but for its last space."""
    new = "Call an ambulance now."
    script.edit = {operation: number, "text": new}
    response = httpx.post(f"{url}/v1/revisions", content=orjson.dumps({"messages": QUESTION, "draft": draft}))
    assert response.status_code == 200
    found = response.json()
    if not any(edit["accepted"] for edit in found["edits"]):
        assert found["answer"] == draft
        return
    at = 0
    for place, unit in enumerate(split(draft), start=1):
        if operation == "replace" and place == number:
            continue
        core = unit.rstrip()
        assert core in found["answer"][at:]
        at = found["answer"].index(core, at) + len(core)
    assert new in found["answer"]


@given(
    messages=st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(("user", "system", "assistant")), "content": texts})
    )
)
@shared
def test_any_conversation_gets_an_answer_or_an_error_object(
    url: str, script: Script, messages: list[dict[str, str]]
) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json={"model": "preceptor", "messages": messages})
    if response.status_code == 200:
        assert isinstance(response.json()["choices"][0]["message"]["content"], str)
        assert script.asked[-1]["messages"][: len(messages)] == messages
    else:
        assert (response.status_code, set(response.json())) == (400, {"error"})
