"""Ways to hide an order from a reader or a filter: encodings, letters that look alike, characters that aren't seen.

Invariant: pure; the same function disguises an order and the innocent text that it is compared with.
"""

import base64
import codecs
from collections.abc import Callable, Mapping

ZERO_WIDTH = "\u200b"
_RIGHT_TO_LEFT, _POP = "\u202e", "\u202c"
_ALIKE = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")  # noqa: RUF001 Cyrillic, which is the point


def in_base64(text: str) -> str:
    """Encode as base64."""
    return base64.b64encode(text.encode()).decode("ascii")


def in_rot13(text: str) -> str:
    """Turn letters by thirteen places."""
    return codecs.encode(text, "rot13")


def with_zero_width(text: str) -> str:
    """Put a character without width after every letter of every word but its last."""
    return " ".join(ZERO_WIDTH.join(word) for word in text.split(" "))


def in_homoglyphs(text: str) -> str:
    """Write Latin letters as the Cyrillic ones that look the same."""
    return text.translate(_ALIKE)


def reversed_by_bidi(text: str) -> str:
    """Write backwards, under an override that shows it forwards."""
    return f"{_RIGHT_TO_LEFT}{text[::-1]}{_POP}"


DISGUISES: Mapping[str, Callable[[str], str]] = {
    "base64": in_base64,
    "rot13": in_rot13,
    "zero_width": with_zero_width,
    "homoglyph": in_homoglyphs,
    "bidi": reversed_by_bidi,
}
