"""The OpenAPI document: every route has examples, they keep to their schemas, and a real app answers them so.

Nothing here names a route: a new one is held to all of it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from principles.retrieve import Retriever
from service.api.document import BEARER, TAGS, complete, operations
from service.api.examples import load_exchanges
from service.app import create_app
from service.settings import Settings
from tests.service.api.exchanges import EVENTS, asked, events_in, kind, make, shown
from tests.service.api.scripted_engine import Script, engine_app
from tests.service.api.serving import eventually, served

Document = dict[str, Any]
EXCHANGES = load_exchanges()
SUBJECTS = [
    pytest.param(operation, exchange.name, id=f"{operation} {exchange.name}")
    for operation, exchanges in EXCHANGES.items()
    for exchange in exchanges
]
MODELS = {
    str(exchange.body["model"])
    for exchanges in EXCHANGES.values()
    for exchange in exchanges
    if exchange.body and exchange.body.get("model") not in (None, "preceptor")
}


def embeddings(_: Request) -> Response:
    row = {"index": 0, "object": "embedding", "embedding": [0.8, 0.6, 0.0]}
    return JSONResponse({"object": "list", "model": "scripted", "data": [row]})


@pytest.fixture(scope="module")
def client(retriever: Retriever, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway whose engine serves every model that the examples name."""
    engine = engine_app(Script())
    engine.state.models = sorted(MODELS)
    routes = [Route("/v1/embeddings", embeddings, methods=["POST"]), Mount("/", engine)]
    database = f"sqlite:///{tmp_path_factory.mktemp('feedback') / 'feedback.db'}"
    with ExitStack() as stack:
        engine_url = stack.enter_context(served(Starlette(routes=routes)))
        app = create_app(Settings(engine_url=engine_url, feedback_database=database), retriever=retriever)
        url = stack.enter_context(served(app, lifespan="on"))
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield stack.enter_context(httpx.Client(base_url=url))


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> Document:
    found: Document = client.get("/openapi.json").json()
    return found


def served_operations(document: Document) -> dict[str, Document]:
    return {f"{method.upper()} {path}": operation for path, method, operation in operations(document)}


def examples(holder: Mapping[str, Any], document: Document) -> list[Any]:
    """The examples of a media type, wherever it has them: its own, or those of its schema."""
    schema = resolved(holder.get("schema", {}), document)
    own = [resolved(example, document)["value"] for example in holder.get("examples", {}).values()]
    return own or list(schema.get("examples", ()))


def resolved(value: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    found: Any = value
    if "$ref" in value:
        found = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def parts(value: Any, media_type: str) -> list[Any]:
    """What the schema of a media type speaks of: an event each of a stream, else the whole."""
    return list(events_in(value)) if media_type == EVENTS else [value]


def keeps_to(value: Any, schema: Mapping[str, Any], document: Document) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def of_status(operation: Document, first: str) -> Iterator[tuple[str, str, Document]]:
    for status, answer in operation["responses"].items():
        for media_type, media in answer.get("content", {}).items():
            if status.startswith(first):
                yield status, media_type, media


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: Document) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert resolved(value, document)
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_body_and_every_answer_has_an_example(document: Document) -> None:
    bare = []
    for name, operation in served_operations(document).items():
        held = [(name, status, kind, media) for status, kind, media in of_status(operation, "")]
        held += [(name, "asks", k, m) for k, m in operation.get("requestBody", {}).get("content", {}).items()]
        bare += [where for *where, media in held if not examples(media, document)]
    assert bare == []


def test_every_example_keeps_to_its_schema(document: Document) -> None:
    checked = 0
    for operation in served_operations(document).values():
        holders = [(media_type, media) for _, media_type, media in of_status(operation, "")]
        holders += operation.get("requestBody", {}).get("content", {}).items()
        holders += [("parameter", parameter) for parameter in operation.get("parameters", ())]
        for media_type, holder in holders:
            for value in examples(holder, document):
                for part in parts(value, media_type):
                    keeps_to(part, holder["schema"], document)
                    checked += 1
    assert checked > len(served_operations(document))


def test_an_example_that_does_not_keep_to_its_schema_is_seen(document: Document) -> None:
    schema = served_operations(document)["POST /v1/revisions"]["responses"]["200"]["content"]["application/json"]
    value = {**examples(schema, document)[0], "outcome": "guessed"}
    with pytest.raises(Exception, match="'guessed' is not one of"):
        keeps_to(value, schema["schema"], document)


@pytest.mark.parametrize(("operation", "name"), SUBJECTS)
def test_every_example_is_answered_as_it_shows(
    client: httpx.Client, document: Document, operation: str, name: str
) -> None:
    """By a scripted engine: what the answer says is another, its status, kind and shape are those of the document."""
    told = served_operations(document)[operation]
    exchange = next(exchange for exchange in EXCHANGES[operation] if exchange.name == name)
    if name == "repeated":  # what was there before, told to the same key
        asked(client, operation, exchange, make(client, operation, EXCHANGES))
    response = asked(client, operation, exchange, make(client, operation, EXCHANGES))
    assert (response.status_code, kind(response)) == (exchange.status, exchange.media_type)
    media = told["responses"][str(exchange.status)]["content"][exchange.media_type]
    for part in parts(shown(exchange, response), exchange.media_type):
        keeps_to(part, media["schema"], document)
    if exchange.media_type == EVENTS:
        assert events_in(response.text)[-1] == events_in(exchange.answer)[-1] == {"event": "message", "data": "[DONE]"}


def test_every_exchange_has_its_route(document: Document) -> None:
    assert set(EXCHANGES) <= set(served_operations(document))


def test_a_streamed_example_is_whole(document: Document) -> None:
    """The last event is the whole revision, and so it is in the schema of one."""
    stages = next(exchange for exchange in EXCHANGES["POST /v1/revisions"] if exchange.media_type == EVENTS)
    events = events_in(stages.answer)
    names = [event["event"] for event in events[:-1]]
    assert names[0] == "principles"
    assert names[-1] == "result"
    assert {"rubric", "verdict", "edit", "answer"} <= set(names)
    result = json.loads(events[-2]["data"])
    deltas = [json.loads(event["data"])["delta"] for event in events if event["event"] == "answer"]
    assert "".join(deltas) == result["answer"]
    told = served_operations(document)["POST /v1/revisions"]["responses"]["200"]["content"]
    keeps_to(result, told["application/json"]["schema"], document)


def test_every_operation_is_told_and_has_a_tag_that_is(document: Document) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for name, operation in served_operations(document).items():
        assert operation.get("description"), name
        assert len(operation["tags"]) == 1, name
        assert tags[operation["tags"][0]] == TAGS[operation["tags"][0]], name


def test_every_field_of_ours_is_told(document: Document) -> None:
    """Of what a client may send; OpenAI's own fields are told by OpenAI."""
    for name in ("POST /v1/revisions", "POST /v1/principles/search"):
        schema = served_operations(document)[name]["requestBody"]["content"]["application/json"]["schema"]
        assert [field for field, part in schema["properties"].items() if not part.get("description")] == [], name


@pytest.mark.parametrize("keys", [True, False])
def test_guarded_routes_say_which_scope_opens_them(retriever: Retriever, keys: bool) -> None:
    settings = Settings.model_validate({"api_keys": ["a-key-of-the-tests"] if keys else []})
    document = create_app(settings, retriever=retriever).openapi()
    found = served_operations(document)
    free: list[Document] = [] if keys else [{}]
    assert found["POST /v1/chat/completions"]["security"] == [*free, {BEARER: ["chat"]}]
    assert found["GET /v1/principles/{principle_id}"]["security"] == [*free, {BEARER: ["principles"]}]
    assert found["GET /v1/models"]["security"] == [*free, {BEARER: []}]
    assert found["GET /metrics"]["security"] == [*free, {BEARER: ["metrics"]}]
    assert "security" not in found["GET /healthz"]
    assert document["components"]["securitySchemes"][BEARER]["scheme"] == "bearer"


def test_a_new_route_gets_its_part_without_being_named() -> None:
    errors: Document = {status: {"content": {"application/json": {"schema": {}}}} for status in ("404", "418")}
    route: Document = {"responses": {"200": {"description": ""}, **errors}}
    document: Document = {"paths": {"/v1/revisions/later": {"get": route}}}
    complete(document, keys=True)
    assert (route["tags"], route["security"]) == (["revisions"], [{BEARER: ["revisions"]}])
    errors_shown = {status: examples(media, document)[0]["error"] for status, _, media in of_status(route, "4")}
    assert (errors_shown["404"]["code"], errors_shown["418"]["code"]) == ("model_not_found", "invalid_request")


def test_recorded_answers_are_all_there() -> None:
    assert [name for name, exchanges in EXCHANGES.items() for e in exchanges if e.answer in (None, "", {})] == []
