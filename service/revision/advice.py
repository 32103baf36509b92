"""What a text advises on emergency help: which kinds it sends to, and whether it denies or plays down the need.

Invariant: pure functions, linear time. "Call 999 if ..." is advice like any other; "if this is not an emergency" denies
nothing; "do not wait" is haste.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.revision.emergencies import SERVICE_WORDS, Kind, Mention, mentions, native_places
from service.revision.negation import NEGATORS, is_conditional, is_unneeded_after, negator_before
from service.revision.words import COMMA, STOP, Phrases, cased_words, word_set


@dataclass(frozen=True, slots=True)
class Advice:
    """``kinds`` are those that it sends to, ``is_soon`` says now or hastily, ``is_conditional`` with an if or when."""

    kinds: frozenset[Kind]
    denies: bool
    minimises: bool
    hedges: bool
    is_soon: bool
    is_conditional: bool

    @property
    def is_plain(self) -> bool:
        """Whether the text sends to emergency help or a line for it at once and with no condition."""
        return bool(self.kinds & _LINES_OF_HELP) and self.is_soon and not self.is_conditional

    @property
    def takes_back(self) -> bool:
        """Whether the text denies the need for help or leaves it to the reader."""
        return self.denies or self.hedges

    @property
    def weakens(self) -> bool:
        """Whether the text takes back or plays down what another sentence advises."""
        return self.takes_back or self.minimises


_MINIMISERS = Phrases(
    "overkill|waste of time",
    "feel like it|can wait|could wait|can safely wait|no hurry|no rush|no urgency|not urgent|not serious",
    "nothing serious|nothing to worry|no need to worry|no need to hurry|no need to rush|at your convenience",
    "when convenient|take your time|wait and see|not an emergency|not a medical emergency|no emergency",
    "isnt an emergency|optional|up to you|overreacting|si le apetece|puede esperar|no hay prisa|no es urgente",
    "no es grave|peut attendre|pas urgent|pas grave|rien ne presse|pas une urgence|kann warten|kein notfall",
    "nicht dringend|keine eile|puo aspettare|non e urgente|non e grave|pode esperar|nao e urgente|nao e grave",
    "kan wachten|niet dringend|geen haast",
)
_HEDGES = Phrases(
    "unless|if you like|if you want|if you wish|if you prefer|whenever you|only if you|only when you",
    "si quiere|si lo desea|a menos que|si vous voulez|sauf si|wenn sie wollen|wenn sie mogen|es sei denn|se vuole",
    "a meno che|se quiser|als u wilt|tenzij",
)
_OPENING_HEDGES = Phrases(
    "only if|only when|but only|unless|if you like|if you want|if you wish|do so only if|do so if you|do it if you"
)
_HEDGE_STEPS = 20
_CONDITIONS = word_set("if when whenever unless should once case si cuando quand wenn falls se quando als indien")
_NOW = word_set("now today ahora ya maintenant jetzt ora agora nu")
_NATIVE_CLAUSE = re.compile(r"[\u3002\uff0c\uff01\uff1f\uff1b\u3001\u060c\u0964.,;!?\n]")
_NATIVE_NO = (*word_set("不用 不需 不必 不要 不是 无需 無需 别 別 ليس नहीं"), "لا ", "मत ", "не ", "нет ")
_NATIVE_WAIT = word_set("等 犹豫 猶豫 拖 延 تنتظر تتردد تتأخر इंतज देर ждите медлите")
_LINES_OF_HELP = frozenset([Kind.HELP, Kind.CRISIS_LINE, Kind.POISON_LINE])
_CARE = word_set("doctor doctors gp hospital clinic medical help care attention seen examined specialist medico arzt")


def advice(text: str) -> Advice:
    """Read what a text advises on emergency help."""
    cased = cased_words(text)
    words = [word.lower() for word in cased]
    found = [mention for mention in mentions(cased) if not _is_neutral(words, mention)]
    denied: list[Mention] = []
    sent: list[Mention] = []
    for mention in found:
        (denied if _is_denied(words, mention) else sent).append(mention)
    lower = text.lower()
    native = [_is_native_denied(lower, start, end) for start, end in native_places(lower)]
    kinds = frozenset(mention.kind for mention in sent) | ({Kind.HELP} if False in native else set())
    return Advice(
        kinds=kinds,
        denies=True in native or any(not is_conditional(words, mention.start) for mention in denied),
        minimises=_minimises(words),
        hedges=any(_is_hedged(words, mention) for mention in sent) or _opens_with_hedge(words, found),
        is_soon=Kind.URGENCY in kinds or not _NOW.isdisjoint(words),
        is_conditional=_sets_condition(words),
    )


def _sets_condition(words: Sequence[str]) -> bool:
    """Say whether a condition stands anywhere; "at once" is none."""
    return any(word in _CONDITIONS and words[max(0, at - 1)] != "at" for at, word in enumerate(words))


def names_care(text: str) -> bool:
    """Say whether the text names anyone or anything that cares for the ill."""
    return not _CARE.isdisjoint(word.lower() for word in cased_words(text))


def _is_neutral(words: Sequence[str], mention: Mention) -> bool:
    """ "Non-emergency" sends nobody anywhere and denies nothing."""
    return mention.start > 0 and words[mention.start - 1] == "non" and words[mention.start].startswith("emergenc")


def _is_denied(words: Sequence[str], mention: Mention) -> bool:
    if mention.kind is Kind.URGENCY:
        return False
    inside = words[mention.start + 1 : mention.end]
    return (
        not NEGATORS.isdisjoint(inside)
        or negator_before(words, mention.start, SERVICE_WORDS) is not None
        or is_unneeded_after(words, mention.end, SERVICE_WORDS)
    )


def _is_hedged(words: Sequence[str], mention: Mention) -> bool:
    """Say whether the sentence leaves it to the reader after the mention: "call 911 if you like"."""
    denied = False
    for at in range(mention.end, min(mention.end + _HEDGE_STEPS, len(words))):
        if words[at] == STOP:
            return False
        denied = words[at] != COMMA and (denied or words[at] in NEGATORS)
        if denied:
            continue
        length = _HEDGES.length_at(words, at)
        if length and words[at + length : at + length + 1] != ["to"]:
            return True
    return False


def _opens_with_hedge(words: Sequence[str], found: Sequence[Mention]) -> bool:
    """Say whether a sentence is nothing but a hedge to the one before it: "Only if you feel like it." """
    begin = 0
    for end in [*(at for at, word in enumerate(words) if word == STOP), len(words)]:
        length = _OPENING_HEDGES.length_at(words, begin) if begin < end else 0
        if length and COMMA not in words[begin:end] and words[begin + length : begin + length + 1] != ["to"]:
            return not any(begin <= mention.start < end for mention in found)
        begin = end + 1
    return False


def _minimises(words: Sequence[str]) -> bool:
    return any(
        not is_conditional(words, at) and (at == 0 or words[at - 1] not in NEGATORS) for at in _MINIMISERS.places(words)
    )


def _is_native_denied(text: str, start: int, end: int) -> bool:
    """Look for a word that says no in the clause around a mention; a word of waiting takes it to itself."""
    before = _NATIVE_CLAUSE.split(text[max(0, start - 24) : start])[-1]
    after = _NATIVE_CLAUSE.split(text[end : end + 12])[0]
    clause = before + after
    return any(word in clause for word in _NATIVE_NO) and not any(word in clause for word in _NATIVE_WAIT)
