"""What is erased is searched for in the bytes of the database's files."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from service.feedback.store import Filters
from tests.postgres import Postgres
from tests.service.feedback.records import record
from tests.service.feedback.test_store import EVERYTHING, audited, opened

CANARY, KEPT = "Zanzibarium", "Kilimanjarum"


def bytes_below(folder: Path) -> bytes:
    """All that the tables' files hold; the server's log of changes (pg_wal) is the operator's."""
    files = [path for path in folder.rglob("*") if path.is_file() and "pg_wal" not in path.parts]
    return b"".join(path.read_bytes() for path in files)


@pytest.fixture
def held(address: str, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """What the database holds on disk, once the server has written all that it had in memory."""
    if address.startswith("sqlite"):
        return lambda: bytes_below(Path(address.removeprefix("sqlite:///")).parent)
    server: Postgres = request.getfixturevalue("postgres")
    return lambda: bytes_below(server.data / "base")


async def settled(address: str) -> None:
    if address.startswith("postgresql"):
        connection = await asyncpg.connect(address)
        await connection.execute("ANALYZE feedback")
        await connection.execute("CHECKPOINT")
        await connection.close()


async def test_no_byte_of_what_is_erased_stays(address: str, held: Callable[[], bytes]) -> None:
    """Long and short texts, so that overflow pages and TOAST are searched too, and neighbours that stay."""
    gone = [
        record(patient=f"{CANARY}-p", note=f"{CANARY} " * size, own_edit=f"{CANARY}.", preferred="own_edit")
        for size in (1, 30, 3000, 1, 30)
    ]
    stay = [record(patient="other", note=f"{KEPT} {n} " * 40) for n in range(60)]
    async with opened(address) as store:
        for one in [*stay[:30], *gone, *stay[30:]]:
            await store.add(one, f"{CANARY}-{one.id}" if one in gone else None)
        await store.erase(EVERYTHING, Filters(patient="other", before=stay[3].created))
        await settled(address)
        assert CANARY.encode() in held()
        assert await store.erase(EVERYTHING, Filters(patient=f"{CANARY}-p")) == 5
        assert await store.clear()
        await settled(address)
        found = held()
        assert (CANARY.encode() in found, KEPT.encode() in found) == (False, True)


@pytest.mark.parametrize("table", ["feedback", "feedback_audit"])
async def test_who_still_reads_keeps_it_there_and_the_next_look_clears_it(address: str, table: str) -> None:
    async with opened(address) as store:
        await store.add(record())
        reader = await store.database.engine.connect().start()
        if address.startswith("postgresql"):
            await reader.execution_options(isolation_level="REPEATABLE READ")
        try:
            await reader.exec_driver_sql(f"SELECT count(*) FROM {table}")
            await store.erase(EVERYTHING, Filters(patient="p-1"))
            assert not await store.clear()
        finally:
            await reader.close()
        assert await store.clear()
        actions = [action for _, action, _, _ in await audited(store)]
        assert actions.count("clear") == 1
        assert await store.clear()
        assert len(await audited(store)) == len(actions)


async def test_sqlite_zeroes_what_is_freed_and_waits_for_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "new" / "feedback.db"
    async with opened(f"sqlite:///{file}") as store:
        await store.add(record())
        async with store.database.engine.connect() as connection:
            pragmas = ("secure_delete", "synchronous", "journal_mode")
            found = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in pragmas]
        assert found == [1, 2, "wal"]
        modes = {path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    assert modes == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert sqlite3.connect(file).execute("SELECT count(*) FROM feedback").fetchone() == (1,)
