"""/v1/feedback: what people say of revisions is taken in, listed, exported and erased.

Invariant: 201 is said after the commit; nothing here needs a slot, an engine, or keeps a connection while a client
reads.
"""

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints, ValidationError

from service.api.body import parse_object
from service.api.feedback_types import (
    Erasure,
    ErasureQuery,
    Feedback,
    FeedbackList,
    FeedbackPage,
    FeedbackQuery,
    FeedbackRequest,
)
from service.api.openapi import FEEDBACK_ERRORS, described
from service.errors import ApiError, FeedbackOff, IdempotencyConflict, NotFound, TooLong, api_error, invalid
from service.feedback.content import kept
from service.feedback.failure import FeedbackFailure, KeyReused
from service.feedback.opening import content_of
from service.feedback.store import Caller, FeedbackStore, Filters, Place, place_of
from service.gateway import GatewayOf
from service.observe import Record, record_of
from service.revision.feedback import Content, FeedbackRecord

router = APIRouter(prefix="/v1/feedback")
JSON_LINES = "application/jsonl"
ANYBODY = "anybody"
_TOO_LONG = frozenset({"string_too_long", "too_long"})
_LINES: dict[str, Any] = {JSON_LINES: {"schema": {"type": "string"}}}
_EXPORTED: dict[int | str, dict[str, Any]] = {200: {"description": "One record a line", "content": _LINES}}
_GIVEN: dict[int | str, dict[str, Any]] = {
    200: {"model": Feedback, "description": "The same idempotency key brought it before"},
    **FEEDBACK_ERRORS,
}
IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")] | None, Header()
]


async def store_of(gateway: GatewayOf) -> FeedbackStore:
    """The gateway's store. Raises ``FeedbackOff``."""
    if gateway.feedback is None:
        raise FeedbackOff("this gateway takes no feedback: feedback_database is off")
    return gateway.feedback


StoreOf = Annotated[FeedbackStore, Depends(store_of)]


def caller_of(record: Record) -> Caller:
    """Who asks, and for which client."""
    return Caller(record.client or ANYBODY, record.tenant)


@router.post("", status_code=201, **described(FeedbackRequest, Feedback, status=201, errors=_GIVEN))
async def give(
    request: Request, gateway: GatewayOf, store: StoreOf, idempotency_key: IdempotencyKey = None
) -> Response:
    """Store what a reviewer says of a revision; 200 where the same idempotency key brought it before."""
    wanted = _validated(await request.body())
    try:
        record = kept(_record(wanted, record_of(request)), content_of(gateway.settings))
        stored, new = await store.add(record, idempotency_key)
    except KeyReused as error:
        raise IdempotencyConflict("this idempotency key came with another feedback") from error
    if new:
        gateway.metrics.feedback.given.labels(stored.preferred.value).inc()
    return Response(orjson.dumps(shown(stored)), 201 if new else 200, media_type="application/json")


@router.get("", response_model=FeedbackList, responses=FEEDBACK_ERRORS)
async def list_feedback(request: Request, store: StoreOf, wanted: Annotated[FeedbackPage, Query()]) -> Response:
    """Newest first, a page at a time, without the conversation and the revision."""
    after = None if wanted.cursor is None else _place(wanted.cursor)
    found = await store.page(caller_of(record_of(request)), wanted.filters(), wanted.limit + 1, after)
    page, more = found[: wanted.limit], len(found) > wanted.limit
    content = {
        "object": "list",
        "data": [shown(record) for record in page],
        "has_more": more,
        "next_cursor": _cursor(page[-1]) if more else None,
    }
    return Response(orjson.dumps(content), media_type="application/json")


@router.get("/export", response_class=StreamingResponse, responses={**FEEDBACK_ERRORS, **_EXPORTED})
async def export(request: Request, store: StoreOf, wanted: Annotated[FeedbackQuery, Query()]) -> Response:
    """Every record that is meant, whole, oldest first, one a line; a last line with ``error`` means incomplete."""
    batches = store.export(caller_of(record_of(request)), wanted.filters())
    first = await anext(batches)
    return StreamingResponse(_lines(first, batches, record_of(request)), media_type=JSON_LINES)


@router.get("/{feedback_id}", response_model=Feedback, responses=FEEDBACK_ERRORS)
async def read(feedback_id: str, request: Request, store: StoreOf) -> Response:
    """One record, whole."""
    found = await store.read(caller_of(record_of(request)), feedback_id)
    if found is None:
        raise _no_such()
    return Response(orjson.dumps(shown(found)), media_type="application/json")


@router.delete("/{feedback_id}", response_model=Erasure, responses=FEEDBACK_ERRORS)
async def erase_one(feedback_id: str, request: Request, store: StoreOf) -> Erasure:
    """Erase one record, from the files too."""
    erased = await store.erase(caller_of(record_of(request)), Filters(), feedback_id)
    if not erased:
        raise _no_such()
    return Erasure(erased=erased, cleared=await store.clear())


@router.delete("", response_model=Erasure, responses=FEEDBACK_ERRORS)
async def erase(request: Request, store: StoreOf, wanted: Annotated[ErasureQuery, Query()]) -> Erasure:
    """Erase all feedback on a patient, or all that is older, from the files too."""
    erased = await store.erase(caller_of(record_of(request)), Filters(**wanted.model_dump()))
    return Erasure(erased=erased, cleared=await store.clear())


def shown(record: FeedbackRecord) -> dict[str, Any]:
    """The record as a resource."""
    return {"object": "feedback", **record.model_dump(mode="json", by_alias=True)}


def _validated(raw: bytes) -> FeedbackRequest:
    try:
        return FeedbackRequest.model_validate(parse_object(raw))
    except ValidationError as error:
        wrong = invalid(error)
        if error.errors()[0]["type"] in _TOO_LONG:
            raise TooLong(wrong.message, param=wrong.param) from error
        raise wrong from error


def _record(wanted: FeedbackRequest, asked: Record) -> FeedbackRecord:
    return FeedbackRecord(
        schema="preceptor.feedback/1",
        id=f"fb-{uuid.uuid4().hex}",
        created=time.time_ns() // 1000 / 1_000_000,
        client=asked.tenant,
        revision_id=wanted.revision_id,
        preferred=wanted.preferred,
        reviewer=wanted.reviewer,
        patient=wanted.patient,
        verdicts=wanted.verdicts,
        rubric=wanted.rubric,
        content=Content.STORED,
        own_edit=wanted.own_edit,
        note=wanted.note,
        messages=wanted.turns(),
        revision=None if wanted.revision is None else wanted.revision.reviewed(),
    )


async def _lines(
    first: list[FeedbackRecord], batches: AsyncGenerator[list[FeedbackRecord], None], asked: Record
) -> AsyncGenerator[bytes, None]:
    async with aclosing(batches):
        try:
            yield _written(first)
            async for batch in batches:
                yield _written(batch)
        except FeedbackFailure as failure:
            asked.error = type(failure).__name__
            error: ApiError = api_error(failure)
            yield error.body() + b"\n"


def _written(records: list[FeedbackRecord]) -> bytes:
    return b"".join(_line(record) for record in records)


def _line(record: FeedbackRecord) -> bytes:
    """JSON on one line for every reader: many split at further characters, which can only stand in strings here."""
    line = orjson.dumps(record.model_dump(mode="json", by_alias=True))
    for character in ("\u0085", "\u2028", "\u2029"):
        line = line.replace(character.encode(), f"\\u{ord(character):04x}".encode())
    return line + b"\n"


def _cursor(record: FeedbackRecord) -> str:
    place = place_of(record)
    return f"{place.created_us}.{place.id}"


def _place(cursor: str) -> Place:
    created_us, _, id_ = cursor.partition(".")
    return Place(int(created_us), id_)


def _no_such() -> NotFound:
    return NotFound("there is no feedback of that id", param="feedback_id")
