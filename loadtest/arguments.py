"""What options may be: the types that the commands share.

Invariant: what cannot be used is refused while the command line is read, before anything is started.
"""

import argparse
from pathlib import Path

import httpx

from loadtest.connection import Address


def count(text: str) -> int:
    """A whole number from 0."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def positive_float(text: str) -> float:
    """A number above 0, and no infinity."""
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return float(text)


def positives(text: str) -> tuple[int, ...]:
    """Whole numbers from 1, between commas."""
    return tuple(positive(part) for part in text.split(","))


def new_file(text: str) -> Path:
    """A path that can be written to, which is better known before the run than after it."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no file can be written at {path}")
    return path


def fraction(text: str) -> float:
    """A number above 0 and not above 1."""
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return float(text)


def key_in(text: str) -> str:
    """The one line of a file, which keeps a key out of the list of processes."""
    try:
        key = Path(text).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    if not key.isprintable() or not key or " " in key:
        raise argparse.ArgumentTypeError(f"{text} has to hold one key")
    return key


def http_address(text: str) -> Address:
    """Host and port of a plain ``http://host:port``."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    if url.scheme != "http" or not url.host or url.path.strip("/"):
        raise argparse.ArgumentTypeError(f"{text} has to be http://host:port")
    return Address(url.host, url.port or 80)


def new_folder(text: str) -> Path:
    """A folder that is not there or empty, and can be made."""
    path = Path(text)
    if not path.parent.is_dir() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise argparse.ArgumentTypeError(f"{path} has to be a new or an empty folder")
    return path
