"""The database's connections: transactions that are bounded in time, and fail by name.

Invariant: a transaction that ends without an exception is on disk; whatever a database does wrong leaves here as
``FeedbackFailure``, and its words, which may quote what was stored, go nowhere.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from enum import StrEnum
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from alembic.util import CommandError
from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.feedback import migrate
from service.feedback.address import file_of
from service.feedback.failure import FeedbackFailure, Reason

CONNECTIONS = 8
CONNECT_S = 3.0
OPERATION_S = 15.0
_AUTOCOMMIT = "AUTOCOMMIT"
_LOCKED = "55P03"  # lock_not_available
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=2000")
SCHEMA_ADVICE = "the feedback database has another schema than this gateway: run `preceptor feedback migrate`"
log = logging.getLogger("preceptor.feedback")


class Operation(StrEnum):
    """What a transaction is for; a label of the latency."""

    WRITE = "write"
    READ = "read"
    ERASE = "erase"
    CLEAR = "clear"


class Database:
    """One database. SQLite's file and schema are made at the first transaction, PostgreSQL's schema by its operator."""

    def __init__(
        self,
        url: URL,
        observe: Callable[[Operation, float], None] = lambda *_: None,
        failed: Callable[[Reason], None] = lambda _: None,
    ) -> None:
        self.file = file_of(url)
        self.engine = _engine(url)
        self._observe = observe
        self._failed = failed
        self._schema_is_ours = False
        self._opening = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._fault: str | None = None

    @asynccontextmanager
    async def transaction(self, operation: Operation) -> AsyncGenerator[AsyncConnection, None]:
        """One transaction, committed at the end of the block. Raises ``FeedbackFailure`` and ``IntegrityError``.

        SQLite has one writer at a time: here they queue, instead of each polling for its turn.
        """
        writes = operation is not Operation.READ
        async with self._bounded(operation):
            await self._open()
            async with self._writing if writes and self.file else nullcontext(), self.engine.connect() as connection:
                await connection.execution_options(writes=writes)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def outside_transactions(self, seconds: float) -> AsyncGenerator[AsyncConnection, None]:
        """A connection on which each statement stands alone. Raises ``FeedbackFailure``."""
        async with self._bounded(Operation.CLEAR, seconds):
            await self._open()
            async with self._writing if self.file else nullcontext(), self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level=_AUTOCOMMIT)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _bounded(self, operation: Operation, seconds: float = OPERATION_S) -> AsyncGenerator[None, None]:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                yield
        except (DBAPIError, PoolTimeout, OSError, TimeoutError, CommandError, asyncpg.PostgresError) as error:
            if isinstance(error, IntegrityError):
                raise
            raise self._failure(error) from None
        except asyncpg.InterfaceError as error:
            raise self._failure(error) from None
        except FeedbackFailure as failure:
            self._failed(failure.reason)
            raise
        else:
            self._observe(operation, time.perf_counter() - began)
            if self._fault is not None:
                log.info("the feedback database is back")
            self._fault = None

    def _failure(self, error: Exception) -> FeedbackFailure:
        """Name a fault, count it, and tell it to the operator once for as long as it lasts."""
        reason, message = _classified(error)
        if reason is Reason.SCHEMA:
            self._schema_is_ours = False
        self._failed(reason)
        if message != self._fault:
            log.error("%s (%s)", message, _kind(error))
        self._fault = message
        return FeedbackFailure(reason, message)

    async def _open(self) -> None:
        """See once that the schema is ours. Raises what the database does."""
        if self._schema_is_ours:
            return
        async with self._opening:
            if not self._schema_is_ours:
                await self._prepare()
                self._schema_is_ours = True

    async def _prepare(self) -> None:
        if self.file is not None:
            await asyncio.to_thread(self._make_file)
        async with self.engine.connect() as connection:
            if self.file is None:
                if await connection.run_sync(migrate.current) != migrate.newest():
                    raise CommandError("another schema")
                return
            await connection.execution_options(writes=True)
            async with connection.begin():
                await connection.run_sync(migrate.upgrade)

    def _make_file(self) -> None:
        """The folder and an empty file, which nobody else may read."""
        assert self.file is not None
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))

    async def migrate(self, change: Callable[[Connection], Any]) -> Any:
        """Run one change of the schema, or a look at it, as the operator wants it. Raises ``FeedbackFailure``."""
        async with self._bounded(Operation.WRITE, 3600.0):
            if self.file is not None:
                await asyncio.to_thread(self._make_file)
            async with self.engine.connect() as connection:
                await connection.execution_options(writes=True)
                async with connection.begin():
                    return await connection.run_sync(change)


def _engine(url: URL) -> AsyncEngine:
    options: dict[str, Any] = {"connect_args": {"timeout": CONNECT_S}}
    if url.get_backend_name() == "postgresql":
        options["connect_args"]["command_timeout"] = None
    engine = create_async_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=OPERATION_S,
        pool_pre_ping=True,
        hide_parameters=True,
        **options,
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: Any) -> None:
    """The driver's own transactions would commit before DDL; ours begin by hand."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != _AUTOCOMMIT:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _classified(error: Exception) -> tuple[Reason, str]:
    kind = _kind(error)
    if isinstance(error, CommandError | ProgrammingError) or kind == "SQLITE_ERROR":
        return Reason.SCHEMA, SCHEMA_ADVICE
    if isinstance(error, TimeoutError | PoolTimeout) or kind.startswith("SQLITE_BUSY") or kind == _LOCKED:
        return Reason.BUSY, "the feedback database did not answer in time"
    return Reason.UNAVAILABLE, "the feedback database is away"


def _kind(error: Exception) -> str:
    """What a fault is called, without its words."""
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(cause).__name__)
