"""``preceptor feedback``: the schema of the feedback database, and who read what, for its operator."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

from service.feedback import migrate
from service.feedback.address import database_url
from service.feedback.database import Database
from service.feedback.failure import FeedbackFailure
from service.feedback.tables import audit
from service.settings import Settings


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run one action. Returns 0, or 1 with a line on standard error."""
    url = database_url(settings.feedback_database)
    if url is None:
        sys.stderr.write("preceptor: feedback is off (feedback_database)\n")
        return 1
    try:
        sys.stdout.write(asyncio.run(_done(Database(url), options)))
    except FeedbackFailure as failure:
        known = "" if options.action == "downgrade" else ", or its schema is newer than this program"
        sys.stderr.write(f"preceptor: {failure.message}{known}\n")
        return 1
    return 0


async def _done(database: Database, options: argparse.Namespace) -> str:
    def act(connection: Connection) -> str:
        if options.action == "audit":
            rows = connection.execute(select(audit).order_by(audit.c.number)).mappings()
            return "".join(_line(row) for row in rows)
        if options.action == "migrate":
            migrate.upgrade(connection)
        elif options.action == "downgrade":
            migrate.downgrade(connection, options.revision)
        return f"schema {migrate.current(connection) or 'none'}, newest {migrate.newest()}\n"

    try:
        told: str = await database.migrate(act)
    finally:
        await database.aclose()
    return told


def _line(row: Mapping[Any, Any]) -> str:
    return orjson.dumps({str(name): value for name, value in row.items()}).decode() + "\n"
