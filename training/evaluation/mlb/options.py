"""The options of a multiple-choice question, found in its text however the published files write them down.

Invariant: options are labelled A, B, C, ... without a gap, at least two; a question without such a run has none.
"""

# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LABEL = re.compile("(?<![A-Za-z0-9Ａ-Ｚａ-ｚ])([A-ZＡ-Ｚ])(?:\\s*([.．、:：)）])|(?=\\s))")
_OPENING = " \t\n\r\u3000'\"‘“[【(（,，、;；"
_BEFORE = _OPENING + "。？！?!.．:：）)】]"
_CLOSING = " \t\n\r\u3000'\"’”]】,，、;；"
_HEADING = re.compile("选项\\s*[:：]?\\s*\\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """A question in two parts: ``stem`` without the options, ``listed`` as they stand; ``texts`` by capital letter."""

    stem: str
    listed: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Label:
    letter: str
    start: int
    end: int


def options_of(question: str) -> Options | None:
    """Find the options; of several runs of labels the longest counts, of equals the last. None where there are none.

    ``A.``, ``A、``, ``(A)`` and a bare ``A`` before a space are labels; straight after a Chinese character only ``A.``
    is one, since vitamin A and hepatitis B are none.
    """
    labels = [
        _Label(_half_width(m[1]), m.start(), m.end()) for m in _LABEL.finditer(question) if _is_label(question, m)
    ]
    best = _longest_run(labels)
    if len(best) < 2:
        return None
    before = question[: best[0].start].rstrip(_OPENING)
    listed = question[len(before) :].strip()
    ends = [label.start for label in best[1:]] + [len(question)]
    texts = {
        label.letter: question[label.end : end].rstrip(_CLOSING + _OPENING).strip()
        for label, end in zip(best, ends, strict=True)
    }
    return Options(_HEADING.sub("", before).rstrip(), listed, texts)


def _longest_run(labels: Sequence[_Label]) -> list[_Label]:
    """Of the runs that begin with an A and go on with the nearest next letter, the longest, and of equals the last."""
    nearest: dict[str, int] = {}
    following: dict[int, int] = {}
    lengths: dict[int, int] = {}
    best = -1
    for place in reversed(range(len(labels))):
        letter = labels[place].letter
        after = nearest.get(chr(ord(letter) + 1))
        lengths[place] = 1 + (lengths[after] if after is not None else 0)
        if after is not None:
            following[place] = after
        nearest[letter] = place
        if letter == "A" and lengths[place] > lengths.get(best, 0):
            best = place
    run = []
    while best in lengths:
        run.append(labels[best])
        best = following.get(best, -1)
    return run


def _is_label(question: str, match: re.Match[str]) -> bool:
    before = question[match.start() - 1 : match.start()]
    return not before or before in _BEFORE or match[2] in (".", "．")


def _half_width(letter: str) -> str:
    return unicodedata.normalize("NFKC", letter)
