"""Reads what judges wrote: one yes or no, or a row of small numbers, each as met or not.

Invariant: what does not say it clearly is None, and then neither met nor not met.
"""

import re
import unicodedata
from collections.abc import Sequence

from training.evaluation.mlb.reading import without_thinking

_MARKED = re.compile(r"\[\s*\[\s*([是否])\s*\]\s*\]")
_ALONE = re.compile(r"(?<!\w)(是的|不是|是|否)(?!\w)")
_YES = frozenset({"是", "是的"})


def yes_or_no(text: str) -> bool | None:
    """Return the last 是 or 否 that stands alone, after any thoughts.

    Alone is between marks, white space or the ends: inside words 是 says nothing (但是, 是否), and a reason given after
    the verdict is full of it. MLB's own script takes the last 是 or 否 anywhere.
    """
    found = _ALONE.findall(_written(text))
    return found[-1] in _YES if found else None


def marked_yes_or_no(text: str) -> bool | None:
    """Return the last ``[[是]]`` or ``[[否]]``, in any width."""
    found = _MARKED.findall(_written(text))
    return found[-1] in _YES if found else None


def numbers(text: str, count: int, allowed: Sequence[int]) -> tuple[int, ...] | None:
    """Return the ``count`` numbers of the last line, ``-1,0`` say, in any width; None where it is anything else."""
    lines = [line.strip(" \t[]()【】.。*`") for line in _written(text).splitlines()]
    last = next((line for line in reversed(lines) if line), "")
    parts = re.split(r"\s*[,、]\s*", last.rpartition(":")[2].strip())
    if len(parts) != count or not all(re.fullmatch(r"-?\d", part) for part in parts):
        return None
    found = tuple(map(int, parts))
    return found if set(found) <= set(allowed) else None


def _written(text: str) -> str:
    return unicodedata.normalize("NFKC", without_thinking(text)).replace("\u2212", "-")
