"""JSON lines on standard error, one per event.

Invariant: no prompt and no answer is ever written. An exception is logged by its type and its frames, not by its
message, since messages quote what went wrong; so is what other libraries say, by the place where they say it.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

FIELDS = (
    "request_id", "method", "route", "client", "status", "outcome", "reason", "duration_ms", "overhead_ms",
    "engine_calls", "prompt_tokens", "completion_tokens", "error", "trace_id",
)  # fmt: skip

# asyncio, for one, writes the arguments of a callback that fails.
_TRUSTED = frozenset({"preceptor", "uvicorn"})


class JsonLines(logging.Formatter):
    """Writes a record's time, level, logger, message and the known extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        row: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        row |= {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, frames = record.exc_info
            row["exception"] = kind.__name__
            row["frames"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(frames)]
        return orjson.dumps(row, default=str).decode()


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _TRUSTED:
        return record.getMessage()
    return f"said at {record.module}:{record.lineno} {record.funcName}"


def configure_logging(level: str) -> None:
    """Send every logger through one handler; the access lines are ours, so the server's own are switched off."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
