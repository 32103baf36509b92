"""The facts of an answer that no edit may lose in passing: doses, numbers, medicines and emergency instructions.

Invariant: pure functions of text. Recall matters more than precision: a fact seen too often costs one refused edit,
a fact overlooked can cost a dose. The lists are our choice: stems of generic names, and common names without a stem.
"""

import re
import unicodedata
from dataclasses import dataclass

_UNITS = {
    "mg": "mg milligram milligrams milligramme milligrammes 毫克",
    "mcg": "mcg µg μg ug microgram micrograms microgramme microgrammes 微克",
    "g": "g gram grams gramme grammes 克",
    "kg": "kg kilogram kilograms kilo kilos 公斤 千克",
    "ml": "ml millilitre millilitres milliliter milliliters 毫升",
    "l": "l litre litres liter liters",
    "iu": "iu unit units",
    "mmol": "mmol mmol/l",
    "mmhg": "mmhg",
    "percent": "% percent",
    "celsius": "°c celsius",
    "fahrenheit": "°f fahrenheit",
    "tablet": "tablet tablets pill pills 片",
    "capsule": "capsule capsules",
    "puff": "puff puffs",
    "drop": "drop drops",
    "dose": "dose doses",
    "time": "time times 次",
    "minute": "min mins minute minutes 分钟",
    "hour": "h hr hrs hour hours 小时",
    "day": "day days 天",
    "week": "week weeks 周",
    "month": "month months",
    "year": "year years",
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings.split()}
_NUMBER_WORDS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![a-z\d.])(\d+(?:[.,]\d+)*|"
    + "|".join(_NUMBER_WORDS)
    + r")[\s-]?("
    + "|".join(re.escape(spelling) for spelling in sorted(_UNIT_OF, key=len, reverse=True))
    + r")?(?![a-zµμ])",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]", re.MULTILINE)
_DRUG = re.compile(
    r"(?<![a-z])(?!april(?![a-z]))(?:[a-z]+(?:olol|pril|sartan|statin|cillin|mycin|micin|cycline|floxacin|azole|prazole|dipine|azepam|azolam|parin|"
    r"xaban|gatran|gliptin|gliflozin|glutide|glitazone|triptan|profen|oxicam|coxib|caine|codone|morphone|lukast|"
    r"setron|vir|mab|tinib|oxetine|prazine|semide|thiazide|meterol|moterol|anterol|tropium|asone|solone|sonide|dronate|barbital)s?"
    r"|paracetamol|acetaminophen|aspirin|naproxen|diclofenac|metformin|gliclazide|insulin|warfarin|heparin|clopidogrel|"
    r"digoxin|amiodarone|adrenaline|epinephrine|naloxone|morphine|codeine|tramadol|fentanyl|methadone|methotrexate|"
    r"lithium|sertraline|citalopram|escitalopram|amitriptyline|mirtazapine|gabapentin|pregabalin|valproate|"
    r"carbamazepine|phenytoin|lamotrigine|levetiracetam|prednisone|levothyroxine|nitroglycerin|"
    r"glyceryl trinitrate|salbutamol|albuterol|cetirizine|loratadine|diphenhydramine|chlorphenamine|pseudoephedrine|"
    r"loperamide|ondansetron|nitrofurantoin|trimethoprim|tamoxifen|spironolactone|hydroxychloroquine|isotretinoin|"
    r"nsaids?|antibiotics?|anticoagulants?|opioids?|antihistamines?|decongestants?|steroids?|antidepressants?)(?![a-z])",
    re.IGNORECASE,
)
_EMERGENCY = re.compile(
    r"emergency|emergencies|ambulance|\b(?:call|dial|ring|phone)\s+(?:999|911|112|111|000|995|108|102|119|120)\b|\bA&E\b|\bER\b"
    r"|\b(?:go|come|taken?|travel)\s+(?:\w+\s+){0,3}hospital|on-call team"
    r"|\b(?:immediate|urgent)\s+(?:medical\s+)?(?:help|care|attention|assessment|review|treatment)"
    r"|\b(?:right away|immediately|at once|straight away|without delay)\b"
    r"|急救|急诊|急診|立即就医|立即就醫|拨打120|救急|urgencias|emergencias|urgences|\bSAMU\b|Notruf|Notaufnahme|Rettungsdienst"
    r"|الطوارئ|الإسعاف|आपातकाल|एम्बुलेंस|скор(?:ая|ую|ой) помощ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the unit that follows it, in one spelling each; ``unit`` is empty for a bare number."""

    number: str
    unit: str


def quantities(text: str) -> frozenset[Quantity]:
    """Return every number with its unit; the numbers of a numbered list are not facts."""
    plain = _LIST_MARK.sub("", _ascii_digits(text))
    return frozenset(_quantity(match) for match in _NUMBER.finditer(plain))


def drugs(text: str) -> frozenset[str]:
    """Return the medicines named, in lower case."""
    return frozenset(match.group(0).lower().rstrip("s") for match in _DRUG.finditer(text))


def is_emergency_instruction(text: str) -> bool:
    """Say whether the text speaks of emergency help or of acting at once."""
    return _EMERGENCY.search(text) is not None


def _quantity(match: re.Match[str]) -> Quantity:
    number = match.group(1).lower()
    return Quantity(_NUMBER_WORDS.get(number, number), _UNIT_OF.get((match.group(2) or "").lower(), ""))


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(char)) if not char.isascii() and char.isdigit() else char for char in text)
