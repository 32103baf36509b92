"""Where feedback is kept: nowhere, in a file, or in PostgreSQL; and the URL that SQLAlchemy wants for it.

Invariant: an error text never quotes the address, which may hold a password.
"""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

OFF = "off"
DEFAULT_FILE = Path(".local/state/preceptor/feedback.db")
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_KINDS = "needs to be off, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


def database_url(address: str) -> URL | None:
    """The database's URL, with the driver that is used here; None where feedback is off. Raises ``ValueError``."""
    if address == OFF:
        return None
    if not address:
        return URL.create(_DRIVERS["sqlite"], database=str(Path.home() / DEFAULT_FILE))
    try:
        url = make_url(address)
    except ArgumentError:
        raise ValueError(_KINDS) from None
    driver = _DRIVERS.get(url.drivername, url.drivername)
    if driver not in _DRIVERS.values() or not url.database or url.database == ":memory:":
        raise ValueError(_KINDS)
    return _with_ssl(url.set(drivername=driver))


def _with_ssl(url: URL) -> URL:
    """Take ``sslmode``, as every other client of PostgreSQL spells it."""
    mode = url.query.get("sslmode")
    return url if mode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def file_of(url: URL) -> Path | None:
    """SQLite's file; None for a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None
