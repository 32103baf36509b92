"""Owns the ids that a file has had so far, on disk beyond a fixed cache.

Invariant: memory does not grow with the number of ids, and ids are compared whole, not by a digest.
"""

import sqlite3
from types import TracebackType
from typing import Self

CACHE_KIB = 32 * 1024


class SeenIds:
    """A context manager around a private temporary database, which goes when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def first_line(self, id_: str, line: int) -> int | None:
        """Return the line that had this id before, or None and remember it. Raises sqlite3.Error for a full disk."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id_, line)).rowcount
        if added:
            return None
        row: tuple[int] = self._database.execute("SELECT line FROM seen WHERE id = ?", (id_,)).fetchone()
        return row[0]
