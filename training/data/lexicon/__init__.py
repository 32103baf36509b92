"""Owns the word lists, one text file each: medicines, given names, towns, and medical words that look like names.

Invariant: a list is a set of words in lower case, read once.
"""

from functools import cache
from pathlib import Path


@cache
def words(name: str) -> frozenset[str]:
    """The words of one list. Raises FileNotFoundError where there is no such list."""
    return frozenset(Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").lower().split())
