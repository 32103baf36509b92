"""Owns the identifiers that have a shape: dates, ages, telephone and other numbers, mail, web and network addresses.

Invariant: pure functions of text; a pattern errs towards finding too much, since a person looks at what is found.
Month names and years by themselves are not found: "in May" says too little and is said too often.
"""

# ruff: noqa: RUF001 - curly apostrophes and full-width marks are what the texts hold

import re
from collections.abc import Iterator, Sequence

from training.data.identifiers import Identifier, IdentifierKind

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DAY_OF_MONTH = rf"{_DAY}(?:st|nd|rd|th)?"
_YEAR = r"(?:1[89]\d\d|20\d\d)"
_UNIT = r"(?!\s?(?:mg|mcg|µg|g|kg|ml|l|iu|units?|mmol|mmhg|bpm|kcal)\b)"
_CODE = r"(?=[A-Z0-9./-]*\d)[A-Z0-9](?:[A-Z0-9./-]*[A-Z0-9])?"
_IS = r"\s*(?:(?:is|was|:|=|#)\s*)*"
_NUMBER_OF = r"\s*(?:number|numbers|no\.?|num\.?|id|code|#)?"

_PATTERNS: dict[IdentifierKind, tuple[str, ...]] = {
    IdentifierKind.EMAIL: (
        r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"\b[\w.]{1,64}\s?(?:\(at\)|\[at\])\s?[\w.-]+\.\w{2,}",
    ),
    IdentifierKind.URL: (
        r"\bhttps?://[^\s<>\"，。]+",
        r"\bwww\.[\w-]+(?:\.[\w-]+)+[^\s<>\"，。]*",
        r"\b(?:facebook|instagram|linkedin|twitter|tiktok)\.com/[\w./-]+",
    ),
    IdentifierKind.HANDLE: (r"(?<![\w.@/])@[A-Za-z_][\w.]{2,}", r"(?:微信号?|QQ号?)[:：是为]?\s*[A-Za-z0-9_-]{5,}"),
    IdentifierKind.IP: (
        r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]\d)",
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})+(?![\w:])",
        r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4})(?::[0-9a-f]{1,4})*(?![\w:])",
    ),
    IdentifierKind.DATE: (
        rf"(?<![\d/.-]){_DAY}([/.-])(?:0?[1-9]|1[0-2])\1{_YEAR}(?!\d)",
        rf"(?<![\d/.-])(?:0?[1-9]|1[0-2])([/.-]){_DAY}\1{_YEAR}(?!\d)",
        rf"(?<![\d/.-])(?:{_DAY}/(?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])/{_DAY})/\d\d(?![\d/])",
        rf"(?<![\d/.-]){_YEAR}([/.-])(?:0?[1-9]|1[0-2])\1{_DAY}(?!\d)",
        rf"\b(?:{_DAY_OF_MONTH}\s(?:of\s)?{_MONTH}|{_MONTH}\s{_DAY_OF_MONTH}\b(?!\s?(?:mg|ml|%)))(?:,?\s{_YEAR})?",
        rf"\b{_MONTH},?\s(?:of\s)?{_YEAR}\b",
        r"\d{4}\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?[日号])?|(?<!\d)\d{1,2}\s?月\s?\d{1,2}\s?[日号]",
        rf"(?:on|since|dated?|born|DOB|D\.O\.B\.|admitted|discharged):?\s(?:on\s)?{_DAY}/(?:0?[1-9]|1[0-2])(?![\d/])",
    ),
    IdentifierKind.AGE: (
        r"\b(?:9\d|1[0-2]\d)[\s-]?(?:years?|yrs?|y)[\s-]?(?:old|of\sage)?\b(?!\s(?:ago|later|experience|since))",
        r"\b(?:9\d|1[0-2]\d)\s?(?:yo|y/o|y\.o\.)(?!\w)",
        r"\b(?:aged?|age\sof|age:|turned|turning|turns)\s(?:9\d|1[0-2]\d)\b(?!\s?(?:mg|ml|days?|weeks?|months?|%))",
        r"(?i:\b(?:I\sam|I['’]m|(?:s?he)(?:['’]s|\sis|\swas)|(?:father|mother|mum|mom|dad|gran|nan|grandma|grandpa|grandmother|"
        r"grandfather|husband|wife|uncle|aunt|neighbou?r|patient|who)\s(?:is|was))(?:\s(?:now|nearly|almost|already))?)"
        r"\s(?:9\d|1[01]\d)(?![\d.]|\s?(?:%|kg|lbs?|cm|bpm|pounds|kilos|per|percent|days?|weeks?|months?|minutes?|hours?)\b)",
        r"(?i:\b(?:ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\shundred(?:\sand\s\w+)?)[\s-]years?[\s-]old)",
        r"(?i:\b(?:turned|turning|turns|aged|is|was|she['’]s|he['’]s|I['’]m|am)\sninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?\b)"
        r"(?!\s(?:per|percent|days|minutes|kilo|beats|mil))",
        r"(?<!\d)(?:9\d|1[0-2]\d)\s?(?:周?岁)",
    ),
    IdentifierKind.NATIONAL_ID: (
        r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",
        rf"(?<![\d.-])\d{{3}}\s\d{{3}}\s\d{{4}}(?!\d){_UNIT}",
        r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",
        r"\b[A-CEGHJ-PR-TW-Z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b",
        r"(?i:\b(?:SSN|social\ssecurity|NHS|passport|national\sinsurance|driv(?:er'?s|ing)\slicen[cs]e|medicare|medicaid))"
        rf"{_NUMBER_OF}{_IS}(?i:{_CODE})(?:[ -]\d+)*",
    ),
    IdentifierKind.RECORD_NUMBER: (
        rf"(?i:\b(?:MRN|URN|PID|UHID)){_NUMBER_OF}{_IS}(?i:{_CODE})",
        r"(?i:\b(?:(?:medical|hospital|patient|health|case|admission|chart|accession|specimen|sample|study|lab|insurance|policy|"
        r"member(?:ship)?|beneficiary|plan|group|account|bank|card|claim|certificate|licen[cs]e|GMC|NPI|DEA|reference|ref|"
        r"prescription|rx|order|invoice|booking|appointment|employee|student|ward)\s?)(?:record|file|card)?\s?(?:number|no\.?|num\.?|id|code|#))"
        rf"{_IS}(?i:{_CODE})(?:[ -]\d+)*",
        r"(?i:\brecord\s(?:number|no\.?|#))" rf"{_IS}(?i:{_CODE})",
        r"(?:病历号|住院号|门诊号|就诊卡号|社保卡号|医保卡号|身份证号?码?|检查号|床号|登记号|卡号)[:：是为]?\s*[A-Za-z0-9-]{2,}",
        r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?\b",
        r"(?<![\d-])\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?![\d-])",
    ),
    IdentifierKind.VEHICLE: (
        r"(?i:\b(?:licen[cs]e\splate|number\splate|plate|registration|car\sreg|vehicle|VIN))(?:\s(?:number|no\.?))?"
        rf"{_IS}(?i:{_CODE})(?:\s[A-Z0-9]{{2,4}})?",
        r"(?<![A-Za-z])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\s]?[A-Z0-9]{5,6}(?![A-Z0-9])",
    ),
    IdentifierKind.DEVICE: (
        r"(?i:\b(?:serial|device|implant|pacemaker|pump|sensor|IMEI|UDI|lot|model|S/N|SN))(?i:\s?(?:number|no\.?|id|code|#))?"
        r"\s*(?:(?:is|was|:|=|#)\s*)?(?i:(?=[A-Z0-9-]*\d[A-Z0-9-]*\d[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{4,})",
        r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    ),
    IdentifierKind.PHONE: (
        r"(?<![\w+])\+\d{1,3}[\s.-]?(?:\(\d{1,4}\)[\s.-]?)?\d{1,4}(?:[\s.-]?\d{2,4}){1,4}(?!\d)",
        rf"(?<![\w-])\(?\d{{3}}\)?[\s.-]\d{{3}}[.-]\d{{4}}(?![\d-]){_UNIT}",
        r"(?<![\w-])\(\d{2,5}\)\s?\d{3,4}[\s.-]?\d{3,4}(?!\d)",
        r"(?<![\w.-])0\d{2,4}[\s-]?\d{3,4}[\s-]?\d{3,4}(?![\d-])",
        r"(?<!\d)1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)",
        r"(?i:\b(?:phone|tel|telephone|mobile|cell|fax|call|ring|text|whatsapp|reach)\b)[^.;\n\d+]{0,30}?(?:\d[\s.-]?){6,13}\d(?!\d)",
        r"(?:电话|手机号?|联系方式|传真)[:：是为]?\s*\d[\d\s-]{5,}\d",
    ),
    IdentifierKind.PLACE: (
        r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b",
        r"\b(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY])\s\d{5}(?:-\d{4})?\b",
        r"(?i:\b(?:zip|zip\scode|post\s?code|postal\scode|PLZ))\s*(?:(?:is|:)\s*)?[A-Z0-9]{2,5}(?:[\s-]?[A-Z0-9]{3,4})?\b",
        r"(?i:\bP\.?\s?O\.?\sBox\s\d+)",
        r"[一-龥]{2,8}(?:省|自治区|市)[一-龥]{1,12}(?:市|区|县|镇|乡|村)[一-龥\d]{0,20}(?:路|街|道|巷|弄|号|栋|单元|室)?[\d一-龥]{0,10}号?",
        r"(?:住址|地址|家住|现住|籍贯|户籍)[:：在是]?\s*[一-龥\d]{2,20}",
    ),
}
_DIGIT, _HAN = re.compile(r"\d"), re.compile(r"[一-龥]")
_NUMBERED = frozenset(
    {
        IdentifierKind.DATE,
        IdentifierKind.PHONE,
        IdentifierKind.NATIONAL_ID,
        IdentifierKind.RECORD_NUMBER,
        IdentifierKind.VEHICLE,
    }
)


def _needed(kind: IdentifierKind, pattern: str) -> re.Pattern[str]:
    """What a text must hold at all for a pattern to match: most texts spare most patterns."""
    if _HAN.search(pattern) and kind is not IdentifierKind.HANDLE:
        return _HAN
    return _DIGIT if kind in _NUMBERED else re.compile("")


_COMPILED = tuple(
    (kind, _needed(kind, pattern), re.compile(pattern)) for kind, patterns in _PATTERNS.items() for pattern in patterns
)


class PatternRules:
    """A recogniser of identifiers by their shape."""

    def find(self, text: str) -> Sequence[Identifier]:
        """Every match of every pattern."""
        return list(_matches(text))


def _matches(text: str) -> Iterator[Identifier]:
    for kind, needed, pattern in _COMPILED:
        for match in pattern.finditer(text) if needed.search(text) else ():
            yield Identifier(match.start(), match.end(), kind)
