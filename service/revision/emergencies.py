"""What sends a person to emergency help: services, numbers, crisis and poison lines, first aid, and words of urgency.

Invariant: linear time, one look-up a word. The lists are our choice of well-established phrases in the languages that
they stand in. "ER" and "ED" are places only where the words around them say so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.revision.words import COMMA, STOP, phrase_at, phrases


class Kind(StrEnum):
    """What a mention is of: help that comes or is gone to, a line for people in crisis or for poisonings, or haste."""

    HELP = "help"
    CRISIS_LINE = "crisis_line"
    POISON_LINE = "poison_line"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention of a kind in the words ``start`` to ``end``, ``end`` not included."""

    kind: Kind
    start: int
    end: int


_HELP = phrases(
    [
        "emergency|emergencies|ambulance|ambulances|paramedic|paramedics|a&e|on call team|triple zero|triple 000|nine one one|"
        "9 1 1|nine nine nine|one one two|911 operator|immediate help|immediate medical help|urgent help|urgent medical help|"
        "immediate care|immediate medical care|urgent care|urgent medical care|immediate attention|immediate medical attention|"
        "urgent attention|urgent medical attention|immediate assessment|immediate medical assessment|urgent assessment|"
        "urgent medical assessment|immediate review|immediate medical review|urgent review|urgent medical review|"
        "immediate treatment|immediate medical treatment|urgent treatment|urgent medical treatment|"
        "cpr|chest compressions|rescue breaths|back blows|abdominal thrusts|defibrillator",
        "urgencias|emergencia|emergencias|ambulancia|ambulancias|urgences|durgence|samu|pompiers|pronto soccorso|ambulanza|"
        "lambulanza|unambulanza|emergenza|emergenze|pronto socorro|pronto atendimento|spoedeisende hulp|spoedeisende eerste hulp|"
        "huisartsenpost|spoedpost|noodgeval|alarmnummer|spoedgeval|notruf|notrufnummer|giftnotruf|notaufnahme|rettungsdienst|"
        "rettungsdienstes|notarzt|notarztes|notfall|rettungswagen|krankenwagen|une urgence|unemergenza",
    ]
)
_CRISIS = phrases(
    [
        "crisis line|crisis lines|crisis hotline|crisis helpline|crisis text line|crisis lifeline|suicide hotline|suicide helpline|"
        "suicide line|suicide prevention|suicide and crisis lifeline|lifeline|samaritans|116 123|116123|741741|85258|"
        "13 11 14|131114|1 800 273 8255|childline|0800 1111",
        "linea de crisis|linea 024|telefono de la esperanza|sos amitie|suicide ecoute|3114|telefonseelsorge|telefono amico|"
        "0800 1110111|0800 111 0 111|0800 111 0111|zelfmoordpreventie|113 zelfmoordpreventie|0800 0113|"
        "centro de valorizacao da vida",
    ]
)
_POISON = phrases(
    [
        "poison control|poison center|poison centre|poison centers|poison centres|poisons centre|poison information|"
        "poisons information|poison helpline|poison hotline|poison help|poison line|1 800 222 1222|222 1222|13 11 26|131126",
        "centre antipoison|centro antiveleni|giftnotruf|giftinformationszentrum|giftinformationszentrale|"
        "centro de informacao antivenenos|informacion toxicologica|antigifcentrum|vergiftigingen informatie centrum",
    ]
)
_URGENCY = phrases(
    [
        "right away|immediately|at once|straight away|without delay|urgently|do not wait|dont wait|never wait|do not delay|"
        "dont delay|never delay|do not hesitate|dont hesitate|do not drive yourself|dont drive yourself|see a doctor today|"
        "see a doctor now|seen today",
        "ahora mismo|de inmediato|inmediatamente|sin demora|immediatement|sans attendre|sans delai|tout de suite|"
        "immediatamente|subito|imediatamente|sem demora|sofort|umgehend|unverzuglich|onmiddellijk|meteen",
    ]
)
_TABLES = ((Kind.POISON_LINE, _POISON), (Kind.CRISIS_LINE, _CRISIS), (Kind.HELP, _HELP), (Kind.URGENCY, _URGENCY))

_CALL = frozenset(
    "call calls calling dial dialling dialing ring ringing phone phoning text texting contact llame llama llamar llamen "
    "marque marcar appelez appeler appelle nappelez composez chiami chiama chiamate chiamare ligue ligar chame chamar bel "
    "bellen belt rufen rufe ruf wahlen wahle wahlt anrufen".split()
)
_NUMBERS = dict.fromkeys("911 999 112 111 000 995 997 998 108 102 103 110 117 118 119 120 144 192 193 061".split(), Kind.HELP)
_NUMBERS["988"] = Kind.CRISIS_LINE
_LOCAL_NUMBERS = {
    **dict.fromkeys(["appelez", "appeler", "appelle", "nappelez", "composez"], {"15": Kind.HELP, "18": Kind.HELP}),
    **dict.fromkeys(["ligue", "ligar"], {"188": Kind.CRISIS_LINE}),
    **dict.fromkeys(["llame", "llama", "llamar", "marque"], {"024": Kind.CRISIS_LINE}),
    **dict.fromkeys(["bel", "bellen", "belt"], {"113": Kind.CRISIS_LINE}),
}
_CALL_WINDOW = 4  # "call or text 988", "llame ya al 112", "rufen Sie sofort die 112"
_UNITS = frozenset("mg mcg ug g kg ml kcal steps calories minutes hours days times % bpm mmhg".split())

_GO_NEAR = frozenset("go come take taken travel".split())
_GO_TO = frozenset("going goes head rush drive bring get return straight".split())
_GO_ABROAD = frozenset(
    "vaya vayan ve ir acuda acudan llevelo llevela allez aller rendez emmenez vada vai andate andare rechi va dirija "
    "gehen gehe geh fahren fahre kommen ga gaan".split()
)
_HOSPITAL = frozenset("hospital hopital lhopital ospedale allospedale krankenhaus ziekenhuis klinik hospitals".split())
_GO_WINDOW = 5  # the verb, up to three words between, and "hospital"; one more abroad, where verbs are of two words

_INJECT = frozenset("inject use using give giving administer injecting".split())
_PENS = phrases(["epipen|epipens|auto injector|autoinjector|adrenaline pen|epinephrine pen|narcan"])
_INJECT_WINDOW = 4

_ROOMS = frozenset(["ER", "ED"])
_SITE = frozenset("nearest closest local".split())
_DETERMINERS = frozenset("the an your this to nearby hospital".split())
_WAY = frozenset("go going goes went come head rush drive taken travel return straight attend visit at in via get".split())
_NOT_ROOM = frozenset(
    "tablet tablets capsule capsules formulation form version mg dose doses medication medications medicine medicines drugs "
    "pill pills treatment symptoms".split()
)

_NATIVE = {
    Kind.HELP: (
        "急救 急诊 急診 立即就医 立即就醫 拨打120 打120 打119 撥打119 119番 救急 救护车 救護車 الطوارئ الإسعاف आपातकाल एम्बुलेंस"
    ).split()
    + ["скорая помощь", "скорую помощь", "скорой помощи", "скорой помощь", "вызовите скорую", "вызвать скорую"]
}


def mentions(cased: Sequence[str]) -> list[Mention]:
    """Return the mentions in words as ``cased_words`` gives them, in order of their beginnings."""
    words = [word.lower() for word in cased]
    return [mention for at, word in enumerate(words) for mention in _at(cased, words, at, word)]


def native_kinds(text: str) -> frozenset[Kind]:
    """Return the kinds of what is mentioned in scripts other than Latin."""
    return frozenset(kind for kind in _NATIVE if next(native_places(text), None) is not None)


def native_places(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each mention of help in scripts other than Latin, phrase by phrase."""
    if text.isascii():
        return
    lower = text.lower()
    for phrase in _NATIVE[Kind.HELP]:
        at = lower.find(phrase)
        while at >= 0:
            yield at, at + len(phrase)
            at = lower.find(phrase, at + len(phrase))


def _at(cased: Sequence[str], words: Sequence[str], at: int, word: str) -> Iterator[Mention]:
    if word not in _STARTS:
        return
    for kind, table in _TABLES:
        if length := phrase_at(words, at, table):
            yield Mention(kind, at, at + length)
    if cased[at] in _ROOMS and _is_room(cased, words, at):
        yield Mention(Kind.HELP, at, at + 1)
    if word in _CALL:
        yield from _called(words, at)
    elif word in _INJECT:
        yield from _injected(words, at)
    elif (length := _way_to_hospital(words, at)) > 0:
        yield Mention(Kind.HELP, at, at + length)
    elif word == "988" and words[at + 1 : at + 2] and words[at + 1] not in _UNITS:
        yield Mention(Kind.CRISIS_LINE, at, at + 1)


def _called(words: Sequence[str], at: int) -> Iterator[Mention]:
    local = _LOCAL_NUMBERS.get(words[at], {})
    for end in range(at + 1, min(at + 1 + _CALL_WINDOW, len(words))):
        word = words[end]
        kind = local.get(word) or _NUMBERS.get(word)
        if word == STOP:
            return
        if kind is not None and (end + 1 == len(words) or words[end + 1] not in _UNITS):
            yield Mention(kind, at, end + 1)


def _injected(words: Sequence[str], at: int) -> Iterator[Mention]:
    for end in range(at + 1, min(at + 1 + _INJECT_WINDOW, len(words))):
        if words[end] in (STOP, COMMA):
            return
        if length := phrase_at(words, end, _PENS):
            yield Mention(Kind.HELP, at, end + length)


def _way_to_hospital(words: Sequence[str], at: int) -> int:
    """Return how many words the way takes that begins here; 0 where none does."""
    abroad, needs_to = words[at] in _GO_ABROAD, words[at] in _GO_TO
    if not (abroad or needs_to or words[at] in _GO_NEAR):
        return 0
    for length in range(2, _GO_WINDOW + 1 + abroad):
        word = words[at + length - 1] if at + length <= len(words) else STOP
        if word in (STOP, COMMA):
            return 0
        if word in _HOSPITAL:
            return length if not needs_to or "to" in words[at : at + length] else 0
    return 0


def _is_room(cased: Sequence[str], words: Sequence[str], at: int) -> bool:
    before, after = words[max(0, at - 4) : at], words[at + 1] if at + 1 < len(words) else STOP
    if not before or after in _NOT_ROOM or "erectile" in words:
        return False
    if before[-1] in _SITE:
        return True
    if before[-1] not in _DETERMINERS:
        return False
    return (cased[at] == "ER" and before[-1] != "to") or not _WAY.isdisjoint(before)


_STARTS = (
    frozenset(first for _, table in _TABLES for first in table)
    | {word.lower() for word in _ROOMS}
    | {"988"}
    | _CALL
    | _INJECT
    | _GO_NEAR
    | _GO_TO
    | _GO_ABROAD
)
