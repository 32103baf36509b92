"""Owns how single settings are read and checked: lists, tables, URLs, host names, digests.

Invariant: pure functions; each gives the value or raises ``ValueError`` with what it should have been.
"""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from models.pool.replica import Address
from service.feedback.address import database_url
from service.keys import key_digest

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(https?://.*)")
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|[a-z][a-z0-9+.-]*://[a-z0-9.-]+")


def listed(value: object) -> object:
    """Let a tuple be written as one comma-separated string, as variables and options have it."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def parsed(value: object) -> object:
    """Let a table be written as JSON, as a variable has it."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError("not JSON") from error


def engine_urls(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take URLs of engines that can be told apart."""
    named = addresses(values)
    for address in named:
        parts = urlsplit(address.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("needs to be a URL such as http://127.0.0.1:8001, or several")
    if not all(len(set(column)) == len(values) for column in zip(*named, strict=True)):
        raise ValueError("names an engine twice")
    return values


def addresses(values: tuple[str, ...]) -> tuple[Address, ...]:
    """Each engine under the name before its URL, or under its place in the list."""
    named = (_NAMED.fullmatch(value) for value in values)
    return tuple(
        Address(found[1], found[2]) if found else Address(str(place), value)
        for place, (value, found) in enumerate(zip(values, named, strict=True))
    )


def collector(value: str | None) -> str | None:
    """Take the URL of a collector."""
    parts = urlsplit(value or "http://none")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("needs to be a URL such as http://collector:4318, without a user name")
    return value


def origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take origins of web pages."""
    if not all(_ORIGIN.fullmatch(value) for value in values):
        raise ValueError("needs to be origins such as https://app.example.org, in lower case and without a path")
    return values


def host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take plain host names."""
    if not all(_HOST_NAME.fullmatch(value) for value in values):
        raise ValueError("needs to be host names such as preceptor.example.org, in lower case and without a port")
    return values


def feedback_url(value: str) -> str:
    """Take the URL of a feedback database."""
    database_url(value)
    return value


def existing(value: Path | None) -> Path | None:
    """Take a path that is there."""
    if value is not None and not value.exists():
        raise ValueError("no such file or folder")
    return value


def digests(value: object) -> object:
    """Let API keys be written plainly or as digests, and keep the digests only."""
    parts = listed(value)
    return tuple(key_digest(str(part)) for part in parts) if isinstance(parts, list | tuple) else parts
