"""The facts of an answer that no edit may lose in passing: doses, numbers, medicines and emergency instructions.

Invariant: pure functions of text. Recall matters more than precision: a fact seen too often costs one refused edit,
a fact overlooked can cost a dose. The lists are our choice: stems of generic names, and common names without a stem.
"""

import re
import unicodedata
from dataclasses import dataclass

from service.revision.emergencies import mentions, native_places
from service.revision.words import cased_words, word_set

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
_DRUG_ENDINGS = word_set(
    "olol pril sartan statin cillin mycin micin cycline floxacin azole prazole dipine azepam azolam parin",
    "xaban gatran gliptin gliflozin glutide glitazone triptan profen oxicam coxib caine codone morphone lukast",
    "setron vir mab tinib oxetine prazine semide thiazide meterol moterol anterol tropium asone solone sonide",
    "dronate barbital",
)
_DRUG_NAMES = word_set(
    "paracetamol acetaminophen aspirin naproxen diclofenac metformin gliclazide insulin warfarin heparin",
    "clopidogrel digoxin amiodarone adrenaline epinephrine naloxone morphine codeine tramadol fentanyl methadone",
    "methotrexate lithium sertraline citalopram escitalopram amitriptyline mirtazapine gabapentin pregabalin",
    "valproate carbamazepine phenytoin lamotrigine levetiracetam prednisone levothyroxine nitroglycerin",
    "salbutamol albuterol cetirizine loratadine diphenhydramine chlorphenamine pseudoephedrine loperamide",
    "ondansetron nitrofurantoin trimethoprim tamoxifen spironolactone hydroxychloroquine isotretinoin nsaid",
    "antibiotic anticoagulant opioid antihistamine decongestant steroid antidepressant nsaids antibiotics",
    "anticoagulants opioids antihistamines decongestants steroids antidepressants",
)
_TWO_WORD_DRUG = re.compile(r"(?<![a-z])glyceryl trinitrate(?![a-z])")
_ENDINGS_BY_TAIL = {
    tail: tuple(ending for ending in _DRUG_ENDINGS if ending.endswith(tail))
    for tail in {ending[-3:] for ending in _DRUG_ENDINGS}
}
_NOT_LETTERS = bytes(byte if chr(byte).islower() and byte < 128 else ord(" ") for byte in range(256))


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
    lower = text.lower()
    words = set(lower.encode("ascii", "replace").translate(_NOT_LETTERS).decode("ascii").split())
    found = {word.rstrip("s") for word in words if is_drug(word)}
    if "glyceryl" in words:
        found.update(_TWO_WORD_DRUG.findall(lower))
    return frozenset(found)


def is_drug(word: str) -> bool:
    """Say whether a single lower-case word of a text is a medicine's name."""
    if word in _DRUG_NAMES:
        return True
    if _has_drug_ending(word):
        return word != "april"
    return word[-1:] == "s" and _has_drug_ending(word[:-1])


def is_emergency_instruction(text: str) -> bool:
    """Say whether the text speaks of emergency help or of acting at once."""
    return any(True for _ in mentions(cased_words(text))) or any(True for _ in native_places(text.lower()))


def _has_drug_ending(word: str) -> bool:
    endings = _ENDINGS_BY_TAIL.get(word[-3:])
    return endings is not None and word[1:].endswith(endings)


def _quantity(match: re.Match[str]) -> Quantity:
    number = match.group(1).lower()
    return Quantity(_NUMBER_WORDS.get(number, number), _UNIT_OF.get((match.group(2) or "").lower(), ""))


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(char)) if not char.isascii() and char.isdigit() else char for char in text)
