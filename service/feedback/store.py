"""Feedback as rows: added, listed, read, exported, erased.

Invariant: who asks sees and erases what its own client gave, or everything where it may; nobody reads without a row in
the audit; what is returned as added is committed.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from service.feedback import audit
from service.feedback.audit import Action
from service.feedback.clearing import clear
from service.feedback.database import Database, Operation
from service.feedback.failure import FeedbackFailure, KeyReused
from service.feedback.tables import feedback
from service.revision.feedback import SCHEMA, FeedbackRecord

EXPORT_ROWS = 50
_MICRO = 1_000_000
_SAID = ("verdicts", "rubric", "own_edit", "note")
_SEEN = ("messages", "revision")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name for the audit, and the client whose feedback it may see (None: everybody's)."""

    actor: str
    client: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which feedback is meant; None does not matter. Times in Unix seconds: ``since`` inclusive, ``before`` not."""

    preferred: str | None = None
    revision_id: str | None = None
    patient: str | None = None
    reviewer: str | None = None
    role: str | None = None
    since: float | None = None
    before: float | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The names of those that are set."""
        return tuple(name for name in self.__slots__ if getattr(self, name) is not None)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What they ask of a row."""
        equal = [feedback.c[name] == getattr(self, name) for name in self.named if name not in ("since", "before")]
        since = [] if self.since is None else [feedback.c.created_us >= round(self.since * _MICRO)]
        before = [] if self.before is None else [feedback.c.created_us < round(self.before * _MICRO)]
        return [*equal, *since, *before]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of time, from which a listing goes on."""

    created_us: int
    id: str

    def beyond(self, *, newest_first: bool) -> ColumnElement[bool]:
        """What a row after this place fulfils."""
        time, id_ = feedback.c.created_us, feedback.c.id
        if newest_first:
            return or_(time < self.created_us, and_(time == self.created_us, id_ < self.id))
        return or_(time > self.created_us, and_(time == self.created_us, id_ > self.id))


def place_of(record: FeedbackRecord) -> Place:
    """Where a record stands."""
    return Place(round(record.created * _MICRO), record.id)


class FeedbackStore:
    """All feedback of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, record: FeedbackRecord, key: str | None = None) -> tuple[FeedbackRecord, bool]:
        """Store a record, or find the one that came before under the same key; True where it is new.

        Raises ``FeedbackFailure``, and ``KeyReused`` where the key's feedback is another one.
        """
        try:
            async with self.database.transaction(Operation.WRITE) as connection:
                await connection.execute(insert(feedback).values(_row(record) | {"idempotency_key": key}))
            return record, True
        except IntegrityError:
            if key is None:
                raise
        async with self.database.transaction(Operation.READ) as connection:
            same = and_(feedback.c.client == (record.client or ""), feedback.c.idempotency_key == key)
            row = (await connection.execute(select(feedback).where(same))).one_or_none()
        if row is None:  # erased in between
            return await self.add(record, key)
        before = _record(row)
        if _gist(before) != _gist(record):
            raise KeyReused
        return before, False

    async def page(self, caller: Caller, filters: Filters, limit: int, after: Place | None) -> list[FeedbackRecord]:
        """Newest first, without what the reviewer saw. Raises ``FeedbackFailure``."""
        query = _chosen(caller, filters, after, newest_first=True, whole=False).limit(limit)
        async with self.database.transaction(Operation.WRITE) as connection:
            records = [_record(row) for row in await connection.execute(query)]
            await audit.note(connection, caller.actor, Action.LIST, rows=len(records), filters=filters.named)
        return records

    async def read(self, caller: Caller, id_: str) -> FeedbackRecord | None:
        """One record, whole. Raises ``FeedbackFailure``."""
        query = _chosen(caller, Filters()).where(feedback.c.id == id_)
        async with self.database.transaction(Operation.WRITE) as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is not None:
                await audit.note(connection, caller.actor, Action.READ, rows=1, target=id_)
        return None if row is None else _record(row)

    async def export(self, caller: Caller, filters: Filters) -> AsyncGenerator[list[FeedbackRecord], None]:
        """Oldest first, whole, some at a time; no connection is held in between. Raises ``FeedbackFailure``."""
        rows, after = 0, None
        async with self.database.transaction(Operation.WRITE) as connection:
            await audit.note(connection, caller.actor, Action.EXPORT_BEGUN, filters=filters.named)
        while True:
            query = _chosen(caller, filters, after).limit(EXPORT_ROWS)
            async with self.database.transaction(Operation.READ) as connection:
                records = [_record(row) for row in await connection.execute(query)]
            rows += len(records)
            if len(records) < EXPORT_ROWS:
                break
            yield records
            after = place_of(records[-1])
        async with self.database.transaction(Operation.WRITE) as connection:
            await audit.note(connection, caller.actor, Action.EXPORT_ENDED, rows=rows, filters=filters.named)
        yield records

    async def erase(self, caller: Caller, filters: Filters, id_: str | None = None) -> int:
        """Delete what is meant, and say how much it was. Raises ``FeedbackFailure``."""
        conditions = [*_theirs(caller), *filters.conditions(), *([] if id_ is None else [feedback.c.id == id_])]
        async with self.database.transaction(Operation.ERASE) as connection:
            erased = (await connection.execute(delete(feedback).where(*conditions))).rowcount
            if erased or id_ is None:
                await audit.note(connection, caller.actor, Action.ERASE, rows=erased, filters=filters.named, target=id_)
        return erased

    async def clear(self) -> bool:
        """Take what has been erased out of the files, unless that is done; say whether it is. Raises nothing of the
        database's: a failure is counted there, and the next call tries again."""
        try:
            async with self.database.transaction(Operation.READ) as connection:
                covers = await audit.uncleared(connection)
            if covers is None:
                return True
            if not await clear(self.database):
                return False
            async with self.database.transaction(Operation.WRITE) as connection:
                await audit.note(connection, audit.GATEWAY, Action.CLEAR, target=str(covers))
        except FeedbackFailure:
            return False
        return True

    async def has_tables(self) -> bool:
        """Say whether a first feedback may have been given: a file that is not there is not made for a look."""
        return self.database.file is None or self.database.file.exists()


def _theirs(caller: Caller) -> list[ColumnElement[bool]]:
    return [] if caller.client is None else [feedback.c.client == caller.client]


def _chosen(
    caller: Caller, filters: Filters, after: Place | None = None, *, newest_first: bool = False, whole: bool = True
) -> Select[Any]:
    columns = [column for column in feedback.c if whole or column.name != "seen"]
    beyond = [] if after is None else [after.beyond(newest_first=newest_first)]
    order = [column.desc() if newest_first else column for column in (feedback.c.created_us, feedback.c.id)]
    return select(*columns).where(*_theirs(caller), *filters.conditions(), *beyond).order_by(*order)


def _gist(record: FeedbackRecord) -> tuple[object, ...]:
    return record.revision_id, record.preferred, record.reviewer, record.patient


def _row(record: FeedbackRecord) -> dict[str, Any]:
    fields = record.model_dump(mode="json")
    seen = {name: fields[name] for name in _SEEN}
    return {
        "id": record.id,
        "created_us": place_of(record).created_us,
        "client": record.client or "",
        "revision_id": record.revision_id,
        "preferred": record.preferred.value,
        "role": record.reviewer.role.value,
        "reviewer": record.reviewer.pseudonym,
        "patient": record.patient,
        "content": record.content.value,
        "said": orjson.dumps({name: fields[name] for name in _SAID}).decode(),
        "seen": orjson.dumps(seen).decode() if any(seen.values()) else None,
    }


def _record(row: Row[Any]) -> FeedbackRecord:
    stored = row._asdict()
    seen = orjson.loads(stored["seen"]) if stored.get("seen") else dict.fromkeys(_SEEN)
    return FeedbackRecord.model_validate(
        {
            "schema": SCHEMA,
            "id": stored["id"],
            "created": stored["created_us"] / _MICRO,
            "client": stored["client"] or None,
            "revision_id": stored["revision_id"],
            "preferred": stored["preferred"],
            "reviewer": {"role": stored["role"], "pseudonym": stored["reviewer"]},
            "patient": stored["patient"],
            "content": stored["content"],
            **orjson.loads(stored["said"]),
            **seen,
        }
    )
