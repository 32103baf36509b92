"""Replaces what is recognised by its form as pointing to a person: pseudonymising, and no claim of anonymity.

Names are not recognised, nor is anything that has no form of its own. Invariant: a token is never longer than what it
stands for, doses, values and durations stay as they are, and work is linear in the text.
"""

import re
from functools import partial

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_NUMBER_OF_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)[0-9]{2}"
_NO_DOSE = r"(?!\s{0,2}(?:mg|mcg|µg|ug|g|kg|ml|mL|l|mmol|units?|IU|tablets?|%))"
_END = r"(?![0-9A-Za-z])"
_START = r"(?<![0-9A-Za-z])"
_WHOSE = "[Pp]atient|[Hh]ospital|[Mm]edical record|[Cc]hart|[Cc]ase|[Ii]nsurance|[Pp]assport"
_LABEL = (
    rf"(?:MRN|NHS|SSN|(?:{_WHOSE}) (?:ID|[Nn]o\.?|[Nn]umber)"
    r"|ID|病历号|住院号|门诊号|身份证号?码?|医保卡?号|护照号)(?: ?(?:[Nn]o\.?|[Nn]umber))?[ :\uff1a#=]{0,3}"
)
_IN_CHINA = rf"[1-9][0-9]{{5}}{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{3}}[0-9Xx]"
_HOST = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("[URL]", re.compile(r"\b(?:https?://|www\.)[^\s<>\"'\uff0c\u3002\uff1b\uff09]{1,2000}")),
    ("[MAIL]", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@" + _HOST)),
    (r"\1[ID]", re.compile(rf"((?<![A-Za-z]){_LABEL})[A-Z]{{0,3}}[0-9][0-9A-Za-z-]{{3,20}}")),
    ("[ID]", re.compile(rf"{_START}{_IN_CHINA}{_END}")),
    ("[ID]", re.compile(rf"{_START}[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}{_END}")),
    ("[PHONE]", re.compile(rf"{_START}\+[0-9]{{1,3}}(?:[ .-]?\(?[0-9]{{1,5}}\)?){{2,5}}{_END}")),
    ("[PHONE]", re.compile(rf"{_START}1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}}{_END}")),
    ("[PHONE]", re.compile(rf"{_START}0[0-9]{{2,4}}[ -]?[0-9]{{3,4}}[ -]?[0-9]{{3,4}}{_END}")),
    ("[PHONE]", re.compile(rf"(?<![0-9A-Za-z(])\(?[0-9]{{3}}\)?[ .-][0-9]{{3}}[.-][0-9]{{4}}{_END}")),
    ("[DATE]", re.compile(rf"{_START}{_YEAR}([-/.]){_NUMBER_OF_MONTH}\1{_DAY}{_END}")),
    ("[DATE]", re.compile(rf"{_START}{_DAY}([-/.]){_NUMBER_OF_MONTH}\1{_YEAR}{_END}")),
    ("[DATE]", re.compile(rf"{_START}{_NUMBER_OF_MONTH}([-/.]){_DAY}\1{_YEAR}{_END}")),
    ("[DATE]", re.compile(rf"{_START}{_DAY}/{_DAY}/[0-9]{{2}}{_END}{_NO_DOSE}")),
    ("[DATE]", re.compile(rf"{_START}{_DAY}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH}|{_SHORT})\.?,? {_YEAR}{_END}")),
    ("[DATE]", re.compile(rf"{_START}(?:{_MONTH}|{_SHORT})\.? {_DAY}(?:st|nd|rd|th)?,? {_YEAR}{_END}")),
    ("[DATE]", re.compile(rf"{_START}{_DAY} (?:{_MONTH.replace('|May', '')}){_END}")),
    ("[DATE]", re.compile(rf"{_START}{_YEAR} ?年 ?{_NUMBER_OF_MONTH} ?月(?: ?{_DAY} ?[日号])?")),
    ("[POST]", re.compile(rf"{_START}[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][ABD-HJLNP-UW-Z]{{2}}{_END}")),
    (r"\1[ZIP]", re.compile(rf"{_START}([A-Z]{{2}} )[0-9]{{5}}(?:-[0-9]{{4}})?{_END}{_NO_DOSE}")),
)  # fmt: skip
_NHS = re.compile(rf"{_START}([0-9]{{3}})[ -]?([0-9]{{3}})[ -]?([0-9]{{4}}){_END}")


def deidentified(text: str) -> str:
    """The text with a typed token in the place of each thing that was recognised."""
    text = _NHS.sub(_nhs, text)
    for token, pattern in _RULES:
        text = pattern.sub(partial(_no_longer, token), text)
    return text


def _no_longer(token: str, found: re.Match[str]) -> str:
    """The token, unless it is longer than what was found: nothing that short points to a person."""
    replaced = found.expand(token)
    return replaced if len(replaced) <= len(found[0]) else found[0]


def _nhs(found: re.Match[str]) -> str:
    """Ten digits are an NHS number where their last one is the check digit of the others."""
    digits = [int(digit) for digit in "".join(found.groups())]
    check = 11 - sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return "[ID]" if digits[9] == check % 11 and check != 10 else found[0]
