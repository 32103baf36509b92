"""How numbers and text are written in reports: intervals, p-values, verdicts, and what others wrote.

Invariant: no character of foreign text can act on what stands around it; what is cut says how much.
"""

import math
import re

from training.evaluation.statistics import Interval

NOWHERE = "-"
LEVEL = 0.05
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SPACE = "\u00a0"


def visible(text: str, most: int | None = None) -> str:
    """Write characters that reorder text, that act without being seen or that no file can hold as ``<U+202E>``.

    Marks of Arabic and Hebrew that only join or direct themselves stay. At most ``most`` characters are kept.
    """
    kept = text if most is None else text[:most]
    cut = f" … ({len(text) - len(kept):,} more characters)" if len(kept) < len(text) else ""
    return _UNSEEN.sub(lambda match: f"<U+{ord(match.group()):04X}>", kept.replace("\r\n", "\n")) + cut


def label(text: str, most: int = 48) -> str:
    """A name in a plot or a cell: one line, short."""
    line = " ".join(visible(text, 4 * most).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def number(value: float | None, digits: int | None = None, *, signed: bool = False) -> str:
    """A number, or a dash where there is none; three decimals, one from 10 up, unless told otherwise."""
    if value is None or math.isnan(value):
        return NOWHERE
    digits = (3 if abs(value) < 10 else 1) if digits is None else digits
    written = format(value, f"{'+' if signed else ''},.{digits}f")
    return written.replace("-", "\u2212")


def interval(value: Interval | None, digits: int | None = None, *, signed: bool = False) -> str:
    """A figure and its 95% interval, all with the figure's decimals, kept on one line."""
    if value is None or math.isnan(value.mean):
        return NOWHERE
    digits = (3 if abs(value.mean) < 10 else 1) if digits is None else digits
    figure = number(value.mean, digits, signed=signed)
    if math.isnan(value.low) or math.isnan(value.high):
        return f"{figure}{_SPACE}[no{_SPACE}interval]"
    low, high = (number(bound, digits, signed=signed) for bound in (value.low, value.high))
    return f"{figure}{_SPACE}[{low},{_SPACE}{high}]"


def p_value(p: float | None) -> str:
    """A p-value; below what the resamples can tell apart it is a bound."""
    if p is None or math.isnan(p):
        return NOWHERE
    return f"<{_SPACE}0.001" if p < 0.001 else f"{p:.3f}"


def told_apart(difference: Interval, adjusted: float | None) -> str:
    """A difference in a word, by its interval and, where it is one of several, by its adjusted p-value."""
    if not (difference.low > 0 or difference.high < 0):
        return "not told apart"
    word = "higher" if difference.low > 0 else "lower"
    return word if adjusted is None or adjusted < LEVEL else f"{word}, but not once adjusted"


def verdict(met: bool | None, asked: bool = True) -> str:
    """A verdict in words."""
    if not asked:
        return NOWHERE
    return "unscored" if met is None else "met" if met else f"not{_SPACE}met"


def plural(count: int, noun: str) -> str:
    """A count and its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(figure: str) -> str:
    """A figure's name for people."""
    return label(figure.replace("_", " "))
