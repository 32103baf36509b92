"""Owns what an expanded reply must keep of the raw one: every number, its unit, and every medicine.

Invariant: pure functions. A fact is looked for in the form in which it stood, after spelling of units, number words and
thousands separators; "0.5 g" for "500 mg" is reported, for a person to judge.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.revision.facts import quantities
from training.data.faults import FaultKind
from training.data.medicines import medicines

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_RATE = re.compile(
    r"(\d+(?:\.\d+)?)\s?((?:[a-zµμ°]+(?:/(?:10\^?\d+|[a-z0-9]+))+|\u00d7\s?10\^?\d+/[a-z]+|mm|cm|bpm|meq|厘米|毫米))(?![a-z])",
    re.IGNORECASE,
)
_FREQUENCY = re.compile(r"\b(once|twice|thrice|half|quarter)\b", re.IGNORECASE)
_CHINESE = re.compile(
    r"([一二两三四五六七八九十半]{1,4}|\d+(?:\.\d+)?)\s?(次|片|粒|支|袋|滴|毫克|微克|克|毫升|天|日|周|个月|小时|分钟|岁|度)"
)
_A_DAY = re.compile("[一1][日天](?=[一二两三四五六七八九十0-9]{1,3}次)")  # "a day" before a count says no number
_CHINESE_DIGITS = {
    "一": "1",
    "二": "2",
    "两": "2",
    "三": "3",
    "四": "4",
    "五": "5",
    "六": "6",
    "七": "7",
    "八": "8",
    "九": "9",
    "十": "10",
    "半": "0.5",
}


@dataclass(frozen=True, slots=True)
class Lost:
    """A fact of the raw reply that the expanded one does not hold."""

    kind: FaultKind
    fact: str


def lost_facts(raw: str, expanded: str) -> Iterator[Lost]:
    """Every number, unit and medicine of ``raw`` that ``expanded`` lacks, in order of kind and name."""
    before, after = _quantities(raw), _quantities(expanded)
    numbers = {number for number, _ in after}
    for number, unit in sorted(before - after):
        if number not in numbers:
            yield Lost(FaultKind.LOST_NUMBER, f"{number} {unit}".rstrip())
        elif unit:
            yield Lost(FaultKind.LOST_UNIT, f"{number} {unit}")
    for name in sorted(medicines(raw) - medicines(expanded)):
        yield Lost(FaultKind.LOST_DRUG, name)


def _quantities(text: str) -> frozenset[tuple[str, str]]:
    plain = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    found = {(quantity.number, quantity.unit) for quantity in quantities(plain)}
    found |= {(match[1], match[2].lower().replace(" ", "")) for match in _RATE.finditer(plain)}
    found |= {(word.lower(), "") for word in _FREQUENCY.findall(plain)}
    chinese = _CHINESE.findall(_A_DAY.sub("", plain))
    return frozenset(found | {(_CHINESE_DIGITS.get(number, number), unit) for number, unit in chinese})
