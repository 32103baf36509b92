"""The schema up and down, with data, on both databases."""

import pytest
from sqlalchemy import Connection, inspect, text

from service.feedback import migrate
from service.feedback.address import database_url
from service.feedback.database import Database
from service.feedback.failure import FeedbackFailure, Reason
from service.feedback.store import Filters
from service.feedback.tables import metadata
from tests.service.feedback.records import record
from tests.service.feedback.test_store import EVERYTHING, audited, exported, opened


def database(address: str) -> Database:
    url = database_url(address)
    assert url is not None
    return Database(url)


def columns(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    return {
        table: {column["name"] for column in found.get_columns(table)}
        for table in found.get_table_names()
        if table != "alembic_version"
    }


async def test_data_goes_down_and_up_again(empty_address: str) -> None:
    given = record()
    held = database(empty_address)
    await held.migrate(migrate.upgrade)
    async with opened(empty_address) as store:
        assert (await store.add(given, "k-1"))[1]
        await exported(store)
    await held.migrate(lambda connection: migrate.downgrade(connection, "0001"))
    assert "idempotency_key" not in (await held.migrate(columns))["feedback"]
    await held.migrate(migrate.upgrade)
    async with opened(empty_address) as store:
        assert await exported(store) == [given]
        assert len(await audited(store)) == 4
        assert (await store.add(record(), "k-1"))[1]  # its key went down with the schema
    await held.migrate(lambda connection: migrate.downgrade(connection, "base"))
    assert await held.migrate(columns) == {}
    await held.migrate(migrate.upgrade)
    async with opened(empty_address) as store:
        assert await exported(store) == []
    await held.aclose()


async def test_rows_of_the_first_schema_live_on_in_the_newest(empty_address: str) -> None:
    held = database(empty_address)
    await held.migrate(lambda connection: migrate.upgrade(connection, "0001"))
    row = "'fb-1', 1500000, '', 'rev-1', 'draft', 'nurse', 'r-1', 'withheld'"
    said = '{"verdicts":[],"rubric":[],"own_edit":null,"note":null}'
    names = "id, created_us, client, revision_id, preferred, role, reviewer, content, said"
    statement = text(f"INSERT INTO feedback ({names}) VALUES ({row}, :said)")
    await held.migrate(lambda connection: connection.execute(statement, {"said": said}))
    await held.migrate(migrate.upgrade)
    await held.aclose()
    async with opened(empty_address) as store:
        (found,) = await exported(store)
    assert (found.id, found.created, found.content.value, found.client) == ("fb-1", 1.5, "withheld", None)


async def test_the_tables_are_as_the_newest_migration_leaves_them(address: str) -> None:
    held = database(address)
    assert await held.migrate(columns) == {
        table.name: {column.name for column in table.columns} for table in metadata.sorted_tables
    }
    assert await held.migrate(migrate.current) == migrate.newest() == "0002"
    await held.aclose()


@pytest.mark.parametrize("step", [None, "0001"])
async def test_an_old_schema_on_a_server_is_refused_by_name_until_it_is_migrated(
    empty_address: str, step: str | None
) -> None:
    held = database(empty_address)
    if step is not None:
        await held.migrate(lambda connection: migrate.upgrade(connection, step))
    async with opened(empty_address) as store:
        if held.file is None:
            with pytest.raises(FeedbackFailure, match="preceptor feedback migrate") as refused:
                await store.page(EVERYTHING, Filters(), 1, None)
            assert refused.value.reason is Reason.SCHEMA
            await held.migrate(migrate.upgrade)
        assert await store.page(EVERYTHING, Filters(), 1, None) == []  # a file's schema is brought up at once
    await held.aclose()


async def test_a_schema_that_goes_down_under_a_running_gateway_is_named(address: str) -> None:
    held = database(address)
    async with opened(address) as store:
        await store.add(record())
        await held.migrate(lambda connection: migrate.downgrade(connection, "0001"))
        with pytest.raises(FeedbackFailure) as refused:
            await store.add(record())
        assert refused.value.reason is Reason.SCHEMA
        await held.migrate(migrate.upgrade)
        assert (await store.add(record()))[1]
    await held.aclose()


async def test_a_newer_schema_than_ours_is_refused_too(address: str) -> None:
    held = database(address)
    await held.migrate(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    async with opened(address) as store:
        with pytest.raises(FeedbackFailure) as refused:
            await store.add(record())
    assert refused.value.reason is Reason.SCHEMA
    await held.aclose()
