"""The forms in which Chinese medical text and JSON are compared: same meaning in another width or order, same form.

Invariant: canonical forms are plain text, equal exactly where two items count as one, and canonical once and for all.
"""

import json
import re
import unicodedata
from typing import Any

_MARKS = str.maketrans({"。": ".", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "〜": "~", "−": "-", "–": "-"})  # noqa: RUF001
_WIDE = "\u2e80-\u303f\u3041-\u33ff\u3400-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U000323af"
_SPACE_BESIDE_WIDE = re.compile(rf"(?<=[{_WIDE}]) | (?=[{_WIDE}])")


def plain(text: str) -> str:
    """Return text in NFKC with half-width punctuation, no invisible characters, and white space only where it parts
    words written in letters: none beside a Chinese character, elsewhere one space. Case is kept."""
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    spaced = " ".join(unicodedata.normalize("NFKC", visible).translate(_MARKS).split())
    return unicodedata.normalize("NFC", _SPACE_BESIDE_WIDE.sub("", spaced))


def item(value: Any) -> str:
    """Return a JSON value as canonical JSON text: strings plain, objects by key, lists as sets.

    Source of sorting an object's pairs: PromptCBLUE's evaluator. Lists as sets are ours: the order of an event's
    descriptions or sites says nothing. Numbers and strings stay apart.
    """
    return json.dumps(_ordered(value), ensure_ascii=False)


def is_blank(value: Any) -> bool:
    """Say whether a JSON value holds nothing at all: null, white space, or lists and objects of such values."""
    if isinstance(value, str):
        return not plain(value)
    if isinstance(value, list):
        return all(map(is_blank, value))
    if isinstance(value, dict):
        return all(map(is_blank, value.values()))
    return value is None


def _ordered(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        parts = {item(part): _ordered(part) for part in value}
        return [parts[key] for key in sorted(parts)]
    if isinstance(value, dict):
        named: dict[str, list[Any]] = {}
        for key, part in value.items():
            named.setdefault(plain(key), []).append(part)
        # Keys that differ in width alone are one key, and none of their values is lost.
        return {key: _ordered(named[key][0] if len(named[key]) == 1 else named[key]) for key in sorted(named)}
    return value
