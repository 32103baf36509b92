"""What a new text must not say beside what the answer says already: the opposite of its advice, a looser limit, or that
the reader need not listen to anyone who treats them.

Invariant: pure, linear time; a text that says what the answer says, or that sets a condition of its own, is none.
"""

import re
from collections.abc import Iterable, Sequence

from service.revision.drug_advice import maximum_doses
from service.revision.facts import Quantity, drugs, quantities
from service.revision.negation import is_conditional, negator_before
from service.revision.words import COMMA, STOP, Phrases, lower_words, word_set

_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_BOUNDLESS = Phrases(
    "as often as you|as much as you|as many as you|as you like|as you please|without any worry|without worry",
    "without limit|without any limit|no limit|no upper limit|there is no maximum|in any amount|in any dose|any dose",
)
_TAKEN = word_set("them take taking taken give giving given use using swallow these those tablets pills")
_STOPPED = Phrases("any more|anymore|any longer|no longer|stop taking|stop using|stop giving|come off|give up taking")
_CARER = word_set("doctor doctors gp nurse nurses physician physicians pharmacist specialist clinician paramedics")
_CARER_STEPS = 4
_DISMISSED = word_set("ignore ignoring disregard distrust disobey")
_FOLLOWED = word_set("see seeing visit trust believe obey consult contact")
_LISTENED = Phrases("listen to|go to|talk to|speak to|speak with")
_EXAMINED = Phrases("have it examined|have it checked|get it checked|get examined|be examined")
_CONDITIONS = word_set("if when until once after should")
_CALLED = word_set("call phone ring dial")
_CALLED_STEPS = 3
_HELPERS = word_set("emergency ambulance ambulances 999 911 112 000 help paramedics")
_ABOUT_MEDICINES = word_set(
    "medicine medicines medication medications drug drugs painkiller painkillers tablet tablets dose doses dosage",
    "dosing amount amounts treatment treatments much often frequent frequently high low strong inflammatory",
)


def removes_bounds(old: str, new: str) -> bool:
    """Say whether the new text leaves the amount of a medicine to the reader."""
    words = lower_words(new)
    loose = any(negator_before(words, at, _TAKEN) is None for at in _BOUNDLESS.places(words))
    return loose and bool(drugs(new) or drugs(old) or quantities(old))


def higher_limits(new: str, others: Iterable[str]) -> frozenset[Quantity]:
    """Return the most that the new text allows to take where it is more than the most that the others allow.

    A limit for a medicine that the others don't name is a limit of its own.
    """
    limits = maximum_doses(new)
    if not limits:
        return frozenset()
    around = " ".join(others)
    known = maximum_doses(around)
    if drugs(new) - drugs(around):
        return frozenset()
    return frozenset(
        limit
        for limit in limits
        if (amounts := [_amount(other) for other in known if other.unit == limit.unit])
        and _amount(limit) > max(amounts)
    )


def stopped_drugs(new: str) -> frozenset[str]:
    """Return the medicines that the new text tells to take no more, with no condition."""
    words = lower_words(new)
    return drugs(new) if _STOPPED.places(words) and _CONDITIONS.isdisjoint(words) else frozenset()


def dismisses_care(new: str) -> bool:
    """Say whether the new text tells the reader not to see or not to heed those who treat them."""
    words = lower_words(new)
    return any(_is_dismissed(words, at) and not is_conditional(words, at) for at in range(len(words)))


def forbids_call(new: str) -> bool:
    """Say whether the new text orders the reader not to call for help, with no condition."""
    words = lower_words(new)
    return any(
        word in _CALLED
        and not _HELPERS.isdisjoint(_clause(words, at, _CALLED_STEPS))
        and _is_forbidden(words, at)
        and not is_conditional(words, at)
        and _CONDITIONS.isdisjoint(words)
        for at, word in enumerate(words)
    )


def exchanged(old: str, new: str, asked: str) -> bool:
    """Say whether the new text gives another number, unit or medicine in the place of the old one.

    What ``asked`` names, or speaks of in general ("dose", "medicine"), may be exchanged.
    """
    if not old or not new or not _ABOUT_MEDICINES.isdisjoint(lower_words(asked)):
        return False
    gone, come = quantities(old) - quantities(new), quantities(new) - quantities(old) - quantities(asked)
    numbers = {quantity.number for quantity in gone}
    units = {quantity.unit for quantity in gone if quantity.unit}
    if any(quantity.unit in units or (quantity.unit and quantity.number in numbers) for quantity in come):
        return not drugs(asked) & drugs(old)
    lost, gained = drugs(old) - drugs(new), drugs(new) - drugs(old) - drugs(asked)
    return bool(lost and gained) and not lost & drugs(asked)


def _is_dismissed(words: Sequence[str], at: int) -> bool:
    word = words[at]
    if _EXAMINED.length_at(words, at):
        return _is_forbidden(words, at)
    follows = word in _FOLLOWED or _LISTENED.length_at(words, at)
    if not (follows or word in _DISMISSED) or _CARER.isdisjoint(_clause(words, at, _CARER_STEPS)):
        return False
    return _is_forbidden(words, at) if follows else negator_before(words, at) is None


def _is_forbidden(words: Sequence[str], at: int) -> bool:
    """Say whether an order not to stands right before: "do not call", "never trust"."""
    before = words[max(0, at - 2) : at]
    return before[-1:] == ["never"] or before[-1:] == ["dont"] or before == ["do", "not"]


def _clause(words: Sequence[str], at: int, steps: int) -> Sequence[str]:
    rest = words[at + 1 : at + 1 + steps]
    ends = [place for place, word in enumerate(rest) if word in (STOP, COMMA)]
    return rest[: ends[0]] if ends else rest


def _amount(quantity: Quantity) -> float:
    plain = _THOUSANDS.sub("", quantity.number).replace(",", ".")
    return float(plain) if plain.count(".") < 2 else 0.0
