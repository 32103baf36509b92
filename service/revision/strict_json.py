"""JSON that a model wrote, read strictly.

Invariant: whatever the text, the result is plain data that can be written as UTF-8 again, or one ``NotStrictJSON``.
"""

import json
import unicodedata
from typing import Any, NoReturn, TypeGuard

_BLANK_SYMBOLS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


class NotStrictJSON(ValueError):
    """The text is not JSON, is nested too deeply, repeats a key, or holds a number or character that JSON cannot."""


def read_json(text: str) -> Any:
    """Return the value. Raises ``NotStrictJSON``."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise NotStrictJSON("nested too deeply") from error
    except ValueError as error:
        raise NotStrictJSON(str(error)) from error
    return value


def is_whole(value: object, lowest: int, highest: int) -> TypeGuard[int]:
    """Say whether the value is a whole number between two others; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def is_visible(text: str) -> bool:
    """Say whether the text has a character that can be seen: zero-width and filler characters cannot."""
    return any(
        not char.isspace() and char not in _BLANK_SYMBOLS and unicodedata.category(char) not in ("Cc", "Cf", "Mn")
        for char in text
    )


def has_controls(text: str) -> bool:
    """Say whether the text holds a control character other than a tab or a line's end."""
    return any(unicodedata.category(char) == "Cc" and char not in "\t\n\r" for char in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object repeats a key")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
