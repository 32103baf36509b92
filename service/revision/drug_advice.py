"""What a text advises on each medicine: against it, for it, or neither; and which maximum doses it sets.

Invariant: pure functions, linear time. "Do not stop warfarin" is advice for it; "if it does not help" is about neither.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.revision.facts import Quantity, drugs, is_drug, quantities
from service.revision.negation import NEGATORS, negator_before
from service.revision.words import COMMA, STOP, Phrases, lower_words, word_set


@dataclass(frozen=True, slots=True)
class DrugAdvice:
    """The medicines that a text warns against and those that it tells to take, in lower case."""

    against: frozenset[str]
    offered: frozenset[str]


_LINKS = word_set(
    "give giving given take taking taken start starting add adding try drink swallow prescribe prescribed",
    "recommend combine with more other such as like similar both either additional further extra baby babies",
    "child children infant infants toddler him her them someone anyone people patient patients person tablets",
    "tablet dose doses medicines medicine painkillers painkiller products containing",
)
_OFFERS = word_set(
    "give giving take taking use using start starting add try continue keep choose swallow offer recommend inject",
)
_PRAISE, _PRAISE_STEPS = word_set("safe fine ok okay harmless"), 5
_AWAY = Phrases("stay away from|keep away from|leave out|leave off|rule out|rules out|come off|hold off|hold|withhold")
_AWAY_STEPS = 4
_HARM = word_set(
    "avoid avoided unsafe harm harms harmful dangerous damage damages contraindicated stopped withheld worsen",
    "worsens forbidden",
)
_LEFT_OUT = Phrases("left out|ruled out|leave it out")
_FORBIDDEN = word_set(
    "be safe suitable recommended allowed use used take taken given advised appropriate apto empfohlen",
    "geeignet",
)
_CONSEQUENCES = word_set("so as since because which")
_CONDITIONS = word_set("if when while unless who")
_HARM_STEPS = 9
_DOSED = word_set("mg mcg g ml iu tablet capsule puff drop dose time")
_MAXIMA = Phrases(
    "more than|exceed|exceeding|maximum|max|at most|upper limit|mas de|maximo|plus de|maximal|maximale|mehr als",
    "hochstens|hoechstens|piu di|massimo|mais de|meer dan",
)
_NATIVE_MAXIMA = re.compile(r"(?:不要超过|不超过|不得超过|不能超过|最多|至多)[^,.;\uff0c\uff1b\u3002]{0,12}")
_OVER = word_set("more mas plus mehr piu mais meer")
_MAXIMUM_STEPS = 8
_INSIDE_NUMBER = re.compile(r"(?<=\d)[.,](?=\d)")
_KEPT = {".": "&", ",": "%"}  # signs that stay with a word; a comma would end a clause
_CLASSES = {
    "nsaid": ("profen", "oxicam", "coxib", "naproxen", "diclofenac", "aspirin"),
    "antibiotic": ("cillin", "mycin", "micin", "cycline", "floxacin", "nitrofurantoin", "trimethoprim"),
    "anticoagulant": ("warfarin", "parin", "xaban", "gatran"),
    "opioid": ("codone", "morphone", "morphine", "codeine", "tramadol", "fentanyl", "methadone"),
    "antihistamine": ("cetirizine", "loratadine", "diphenhydramine", "chlorphenamine"),
    "steroid": ("asone", "solone", "sonide", "prednisone"),
}


def drug_advice(text: str) -> DrugAdvice:
    """Read what a text advises on the medicines that it names."""
    if not drugs(text):
        return DrugAdvice(frozenset(), frozenset())
    words = lower_words(text)
    names = frozenset(word for word in words if is_drug(word))
    links = _LINKS | names
    against, offered = set(), set()
    for at, word in enumerate(words):
        if word not in names:
            continue
        if _is_against(words, at, links):
            against.add(word.rstrip("s"))
        elif _is_offered(words, at):
            offered.add(word.rstrip("s"))
    return DrugAdvice(frozenset(against), frozenset(offered))


def maximum_doses(text: str) -> frozenset[Quantity]:
    """Return the doses that a text sets as the most to take: "never more than 8 tablets"."""
    words = lower_words(_INSIDE_NUMBER.sub(lambda match: _KEPT[match.group()], text))
    found: set[Quantity] = set()
    for at in _MAXIMA.places(words):
        if words[at] in _OVER and NEGATORS.isdisjoint(words[max(0, at - _MAXIMUM_STEPS) : at]):
            continue
        rest = words[at : at + _MAXIMUM_STEPS]
        rest = rest[: rest.index(STOP)] if STOP in rest else rest
        plain = " ".join(rest).replace("&", ".").replace("%", ",")
        found.update(quantity for quantity in quantities(plain) if quantity.unit in _DOSED)
    if not text.isascii():
        native = " ".join(match.group() for match in _NATIVE_MAXIMA.finditer(text))
        found.update(quantity for quantity in quantities(native) if quantity.unit in _DOSED)
    return frozenset(found)


def names_maximum(text: str) -> bool:
    """Say whether the text speaks of a maximum."""
    return bool(_MAXIMA.places(lower_words(text)) or _NATIVE_MAXIMA.search(text))


def named_drugs(text: str, among: frozenset[str]) -> frozenset[str]:
    """Return those of ``among`` that the text names, by themselves or by their class."""
    named = drugs(text)
    endings = tuple(ending for name in named for ending in _CLASSES.get(name, ()))
    return frozenset(drug for drug in among if drug in named or drug.endswith(endings))


def _is_against(words: Sequence[str], at: int, links: frozenset[str]) -> bool:
    if negator_before(words, at, links) is not None or _is_kept_away(words, at):
        return True
    for place in range(at + 1, min(at + 1 + _HARM_STEPS, len(words))):
        word = words[place]
        following = words[place + 1 : place + 3]
        if word == STOP or (word == COMMA and _CONSEQUENCES.isdisjoint(following[:1])):
            return False
        if word in _HARM or (word in NEGATORS and not _FORBIDDEN.isdisjoint(following)):
            return True
        if _LEFT_OUT.length_at(words, place):
            return True
    return False


def _is_kept_away(words: Sequence[str], at: int) -> bool:
    """Say whether a phrase of keeping away stands shortly before: "stay away from ibuprofen"."""
    for place in range(at - 1, max(-1, at - 1 - _AWAY_STEPS), -1):
        if words[place] in (STOP, COMMA):
            return False
        if _AWAY.length_at(words, place):
            return NEGATORS.isdisjoint(words[max(0, place - 2) : place])
    return False


def _is_offered(words: Sequence[str], at: int) -> bool:
    if not _PRAISE.isdisjoint(words[at + 1 : at + _PRAISE_STEPS]):
        return True
    for place in range(at - 1, max(-1, at - 7), -1):
        if words[place] in (STOP, COMMA):
            return False
        if words[place] in _OFFERS:
            return _CONDITIONS.isdisjoint(words[max(0, place - 3) : place])
    return False
