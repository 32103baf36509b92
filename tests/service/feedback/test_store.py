"""Feedback as rows, on both databases."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from service.feedback.address import database_url
from service.feedback.database import Database, Operation
from service.feedback.failure import KeyReused
from service.feedback.retention import look
from service.feedback.store import Caller, FeedbackStore, Filters, place_of
from service.feedback.tables import audit
from service.revision.feedback import FeedbackRecord
from tests.service.feedback.records import record

EVERYTHING = Caller("operator", None)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[FeedbackStore]:
    url = database_url(address)
    assert url is not None
    store = FeedbackStore(Database(url))
    try:
        yield store
    finally:
        await store.database.aclose()


async def exported(store: FeedbackStore, caller: Caller = EVERYTHING, **filters: Any) -> list[FeedbackRecord]:
    chosen = Filters(**filters)
    return [found async for batch in store.export(caller, chosen) for found in batch]


async def audited(store: FeedbackStore) -> list[tuple[str, str, int | None, str]]:
    async with store.database.transaction(Operation.READ) as connection:
        query = select(audit.c.actor, audit.c.action, audit.c.rows, audit.c.filters).order_by(audit.c.number)
        return [tuple(row) for row in await connection.execute(query)]


async def test_what_is_added_is_read_as_it_was(address: str) -> None:
    given = record()
    async with opened(address) as store:
        assert await store.add(given) == (given, True)
        assert await store.read(EVERYTHING, given.id) == given
        assert await exported(store) == [given]
        (listed,) = await store.page(EVERYTHING, Filters(), 10, None)
    assert listed == given.model_copy(update={"messages": None, "revision": None})


async def test_one_key_stores_once_even_at_once(address: str) -> None:
    async with opened(address) as store:
        answers = await asyncio.gather(*(store.add(record(), "k-1") for _ in range(10)))
        assert sum(new for _, new in answers) == 1
        assert len({stored.id for stored, _ in answers}) == len(await exported(store)) == 1
        assert (await store.add(record(client="other"), "k-1"))[1]
        with pytest.raises(KeyReused):
            await store.add(record(preferred="draft"), "k-1")


async def test_pages_go_on_where_they_ended_also_among_equal_times(address: str) -> None:
    given = [record(created=1000.0 + n // 3) for n in range(10)]
    async with opened(address) as store:
        for one in given:
            await store.add(one)
        seen, after = [], None
        while page := await store.page(EVERYTHING, Filters(), 4, after):
            seen += [found.id for found in page]
            after = place_of(page[-1])
    assert seen == [found.id for found in sorted(given, key=lambda r: (r.created, r.id), reverse=True)]


async def test_an_export_of_many_is_whole_and_in_order(address: str) -> None:
    given = [record(created=2000.0 - n) for n in range(125)]
    async with opened(address) as store:
        await asyncio.gather(*(store.add(one) for one in given))
        assert [found.id for found in await exported(store)] == [one.id for one in reversed(given)]
        assert await audited(store) == [("operator", "export_begun", None, ""), ("operator", "export_ended", 125, "")]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "abc"),
        ({"preferred": "draft"}, "b"),
        ({"revision_id": "rev-2"}, "c"),
        ({"patient": "p-2"}, "bc"),
        ({"reviewer": "r-9"}, "a"),
        ({"role": "physician"}, "a"),
        ({"since": 2.0}, "bc"),
        ({"before": 2.0}, "a"),
        ({"since": 2.0, "before": 3.0, "patient": "p-2"}, "b"),
    ],
)
async def test_filters(address: str, filters: dict[str, Any], expected: str) -> None:
    given = {
        "a": record(created=1.5, reviewer={"role": "physician", "pseudonym": "r-9"}),
        "b": record(created=2.0, patient="p-2", preferred="draft"),
        "c": record(created=3.25, patient="p-2", revision_id="rev-2"),
    }
    async with opened(address) as store:
        for one in given.values():
            await store.add(one)
        assert await exported(store, **filters) == [given[name] for name in expected]


async def test_a_client_sees_and_erases_its_own_only(address: str) -> None:
    mine, theirs = record(client="ward"), record(client="clinic")
    ward = Caller("ward", "ward")
    async with opened(address) as store:
        await store.add(mine)
        await store.add(theirs)
        assert await exported(store, ward) == [mine]
        assert await store.read(ward, theirs.id) is None
        assert await store.erase(ward, Filters(), theirs.id) == 0
        assert await store.erase(ward, Filters(patient="p-1")) == 1
        assert await exported(store) == [theirs]


async def test_reading_exporting_and_erasing_are_audited_without_content(address: str) -> None:
    given = record(patient="p-secret")
    async with opened(address) as store:
        await store.add(given)
        await store.page(EVERYTHING, Filters(patient="p-secret"), 5, None)
        await store.read(Caller("ward", "ward"), given.id)
        await store.read(EVERYTHING, given.id)
        await store.erase(EVERYTHING, Filters(patient="p-secret"))
        rows = await audited(store)
    assert rows == [
        ("operator", "list", 1, "patient"),
        ("operator", "read", 1, ""),
        ("operator", "erase", 1, "patient"),
    ]


@pytest.mark.parametrize("change", ["UPDATE feedback_audit SET actor = 'x'", "DELETE FROM feedback_audit"])
async def test_the_audit_can_only_grow(address: str, change: str) -> None:
    async with opened(address) as store:
        await store.page(EVERYTHING, Filters(), 5, None)
        async with store.database.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="only grow"):
                await connection.execute(text(change))
        assert len(await audited(store)) == 1


async def test_retention_erases_what_is_too_old_and_is_audited(address: str) -> None:
    old, young = record(created=time.time() - 8 * 86_400), record(created=time.time() - 6 * 86_400)
    async with opened(address) as store:
        await store.add(old)
        await store.add(young)
        await look(store, None)
        assert len(await exported(store)) == 2
        await look(store, 7)
        assert [found.id for found in await exported(store)] == [young.id]
        rows = await audited(store)
    assert ("retention", "erase", 1, "before") in rows
    assert ("gateway", "clear", None, "") in rows
