"""The two databases that feedback is kept in, so that one test runs on both."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.feedback import migrate
from service.feedback.address import database_url
from service.feedback.database import Database
from tests.postgres import Postgres

POSTGRES_SECONDS = 300


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of PostgreSQL run in one process, so that one server serves them; the first may wait for its package."""
    for item in items:
        if {"postgres", "empty_address"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("postgres"))
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(POSTGRES_SECONDS))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL."""
    server = Postgres()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'feedback.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return asyncio.run(server.new_database())


@pytest.fixture
def address(empty_address: str) -> str:
    """The address of a database with the newest schema, of each kind."""
    asyncio.run(_migrated(empty_address))
    return empty_address


async def _migrated(address: str) -> None:
    url = database_url(address)
    assert url is not None
    database = Database(url)
    try:
        await database.migrate(migrate.upgrade)
    finally:
        await database.aclose()
