"""Owns reading an export of feedback, a file or a gateway's answer, into records.

Invariant: an export is taken whole or not at all; a fault names its line and field and quotes nothing.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
from pydantic import ValidationError

from service.revision.feedback import FeedbackRecord, read_record

TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class ExportError(Exception):
    """An export that cannot be had or used; the message says why."""


def read_export(source: str, api_key: str | None = None) -> tuple[FeedbackRecord, ...]:
    """Read JSON lines from a file, or ask the gateway at a URL for all that the key may see. Raises ``ExportError``."""
    if source.startswith(("http://", "https://")):
        return _records(_asked(source.rstrip("/"), api_key), source)
    try:
        return _records(Path(source).read_text(encoding="utf-8").split("\n"), source)
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{source}: {error}") from error


def _asked(url: str, api_key: str | None) -> Iterator[str]:
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        with (
            httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False) as client,
            client.stream("GET", "/v1/feedback/export") as response,
        ):
            if response.status_code != 200:
                raise ExportError(f"{url}: status {response.status_code}: {_told(response.read())}")
            rest = ""
            for text in response.iter_text():
                *lines, rest = (rest + text).split("\n")
                yield from lines
            yield rest
    except httpx.HTTPError as error:
        raise ExportError(f"{url}: {error}") from error


def _records(lines: Iterable[str], source: str) -> tuple[FeedbackRecord, ...]:
    records: dict[str, FeedbackRecord] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = read_record(line)
        except ValidationError as error:
            if _is_error(line):
                raise ExportError(f"{source}: line {number}: the gateway broke off; ask for it again") from None
            places = ", ".join(sorted({".".join(map(str, fault["loc"])) or "row" for fault in error.errors()}))
            raise ExportError(f"{source}: line {number}: no record of this version: {places}") from None
        if record.id in records:
            raise ExportError(f"{source}: line {number}: the id of an earlier record")
        records[record.id] = record
    return tuple(records.values())


def _is_error(line: str) -> bool:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return False
    return isinstance(found, dict) and "error" in found


def _told(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "no error object"
