"""What sends a person to emergency help: services, numbers, crisis and poison lines, first aid, and words of urgency.

Invariant: linear time, one look-up a word. The lists are our choice of well-established phrases in the languages that
they stand in. "ER" and "ED" are places only where the words around them say so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.revision.words import COMMA, STOP, Phrases, word_set


class Kind(StrEnum):
    """What a mention is of: emergency services and first aid, care that is urgent, special lines, or haste alone."""

    HELP = "help"
    CARE_SOON = "care_soon"
    CRISIS_LINE = "crisis_line"
    POISON_LINE = "poison_line"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention of a kind in the words ``start`` to ``end``, ``end`` not included."""

    kind: Kind
    start: int
    end: int


_HELP = Phrases(
    "emergency|emergencies|ambulance|ambulances|paramedic|paramedics|a&e|on call team|triple zero|triple 000",
    "nine one one|9 1 1|nine nine nine|one one two|911 operator|cpr|chest compressions|rescue breaths|defibrillator",
    "urgencias|emergencia|emergencias|ambulancia|ambulancias|urgences|durgence|samu|pompiers|pronto soccorso",
    "ambulanza|dambulance|lambulanza|unambulanza|emergenza|emergenze|pronto socorro|pronto atendimento",
    "spoedeisende hulp",
    "spoedeisende eerste hulp|huisartsenpost|spoedpost|noodgeval|alarmnummer|spoedgeval|notruf|notrufnummer",
    "giftnotruf|notaufnahme|rettungsdienst|rettungsdienstes|notarzt|notarztes|notfall|rettungswagen|krankenwagen",
    "une urgence|unemergenza",
)
_CARE_SOON = Phrases(
    *(
        f"{haste} {medical}{care}"
        for haste in ("immediate", "urgent")
        for medical in ("", "medical ")
        for care in ("help", "care", "attention", "assessment", "review", "treatment")
    )
)
_CRISIS = Phrases(
    "crisis line|crisis lines|crisis hotline|crisis helpline|crisis text line|crisis lifeline|suicide hotline",
    "suicide helpline|suicide line|suicide prevention|suicide and crisis lifeline|lifeline|samaritans|116 123",
    "116123|741741|85258|13 11 14|131114|1 800 273 8255|childline|0800 1111",
    "linea de crisis|linea 024|telefono de la esperanza|sos amitie|suicide ecoute|3114|telefonseelsorge",
    "telefono amico|0800 1110111|0800 111 0 111|0800 111 0111|zelfmoordpreventie|113 zelfmoordpreventie|0800 0113",
    "centro de valorizacao da vida",
)
_POISON = Phrases(
    "poison control|poison center|poison centre|poison centers|poison centres|poisons centre|poison information",
    "poisons information|poison helpline|poison hotline|poison help|poison line|1 800 222 1222|222 1222|13 11 26",
    "131126",
    "centre antipoison|centro antiveleni|giftnotruf|giftinformationszentrum|giftinformationszentrale",
    "centro de informacao antivenenos|informacion toxicologica|antigifcentrum|vergiftigingen informatie centrum",
)
_URGENCY = Phrases(
    "right away|immediately|at once|straight away|without delay|urgently|do not wait|dont wait|never wait",
    "do not delay|dont delay|never delay|do not hesitate|dont hesitate|do not drive yourself|dont drive yourself",
    "see a doctor today|see a doctor now|seen today",
    "ahora mismo|de inmediato|inmediatamente|sin demora|immediatement|sans attendre|sans delai|tout de suite",
    "immediatamente|subito|imediatamente|sem demora|sofort|umgehend|unverzuglich|onmiddellijk|meteen",
)
_TABLES = (
    (Kind.POISON_LINE, _POISON),
    (Kind.CRISIS_LINE, _CRISIS),
    (Kind.HELP, _HELP),
    (Kind.CARE_SOON, _CARE_SOON),
    (Kind.URGENCY, _URGENCY),
)

_CALL = word_set(
    "call calls calling dial dialling dialing ring ringing phone phoning text texting contact llame llama llamar",
    "llamen marque marcar appelez appeler appelle nappelez composez chiami chiama chiamate chiamare ligue ligar",
    "chame chamar bel bellen belt rufen rufe ruf wahlen wahle wahlt anrufen",
)
_NUMBERS = dict.fromkeys(
    word_set("911 999 112 111 000 995 997 998 108 102 103 110 117 118 119 120 144 192 193 061"), Kind.HELP
)
_NUMBERS["988"] = Kind.CRISIS_LINE
_FRENCH = {"15": Kind.HELP, "18": Kind.HELP}
_SPANISH, _PORTUGUESE, _DUTCH = {"024": Kind.CRISIS_LINE}, {"188": Kind.CRISIS_LINE}, {"113": Kind.CRISIS_LINE}
_LOCAL_NUMBERS = {
    **dict.fromkeys(("appelez", "appeler", "appelle", "nappelez", "composez"), _FRENCH),
    **dict.fromkeys(("llame", "llama", "llamar", "marque"), _SPANISH),
    **dict.fromkeys(("ligue", "ligar"), _PORTUGUESE),
    **dict.fromkeys(("bel", "bellen", "belt"), _DUTCH),
}
_CALL_WINDOW = 4  # "call or text 988", "llame ya al 112", "rufen Sie sofort die 112"
_UNITS = word_set("mg mcg ug g kg ml kcal steps calories minutes hours days times % bpm mmhg")

_GO_NEAR = word_set("go come take taken travel")
_GO_TO = word_set("going goes head rush drive bring get return straight")
_GO_ABROAD = word_set(
    "vaya vayan ve ir acuda acudan llevelo llevela allez aller rendez emmenez vada vai andate andare rechi va",
    "dirija gehen gehe geh fahren fahre kommen ga gaan",
)
_HOSPITAL = word_set("hospital hopital lhopital ospedale allospedale krankenhaus ziekenhuis klinik hospitals")
_ENDS_WAY = _GO_NEAR | _GO_TO | {STOP, COMMA}
_GO_WINDOW, _GO_TO_WINDOW = 5, 8  # words from the verb to "hospital"; the longer where "to" stands between

_INJECT = word_set("inject use using give giving administer injecting")
_PENS = Phrases("epipen|epipens|auto injector|autoinjector|adrenaline pen|epinephrine pen|narcan")
_INJECT_WINDOW = 4

_ROOMS = frozenset(["ER", "ED"])
_SITE = word_set("nearest closest local")
_DETERMINERS = word_set("the an your this to nearby hospital")
_WAY = word_set("go going goes went come head rush drive taken travel return straight attend visit at in via get")
_NEAR = 30
_NOT_ROOM = word_set(
    "tablet tablets capsule capsules formulation form version mg dose doses medication medications medicine",
    "medicines drugs pill pills treatment symptoms",
)

_NATIVE = (
    *word_set("急救 急诊 急診 立即就医 立即就醫 打120 打119 119番 救急 救护车 救護車 الطوارئ الإسعاف आपातकाल एम्बुलेंस"),
    *("скорая помощь", "скорую помощь", "скорой помощи", "скорой помощь", "вызовите скорую", "вызвать скорую"),
)


def mentions(cased: Sequence[str]) -> Iterator[Mention]:
    """Yield the mentions in words as ``cased_words`` gives them, in order of their beginnings."""
    words = [word.lower() for word in cased]
    for at, word in enumerate(words):
        if word in _STARTS:
            yield from _at(cased, words, at, word)


def native_places(lower: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each mention of help in a lower-case text in scripts other than Latin, by phrase."""
    if lower.isascii():
        return
    for phrase in _NATIVE:
        at = lower.find(phrase)
        while at >= 0:
            yield at, at + len(phrase)
            at = lower.find(phrase, at + len(phrase))


def _at(cased: Sequence[str], words: Sequence[str], at: int, word: str) -> Iterator[Mention]:
    for kind, table in _TABLES_BY_FIRST.get(word, ()):
        if length := table.length_at(words, at):
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
        if length := _PENS.length_at(words, end):
            yield Mention(Kind.HELP, at, end + length)


def _way_to_hospital(words: Sequence[str], at: int) -> int:
    """Return how many words the way takes that begins here; 0 where none does."""
    abroad, needs_to = words[at] in _GO_ABROAD, words[at] in _GO_TO
    if not (abroad or needs_to or words[at] in _GO_NEAR):
        return 0
    has_to = False
    for length, word in enumerate(words[at + 1 : at + _GO_TO_WINDOW], start=2):
        has_to = has_to or word == "to"
        if word in _ENDS_WAY or length > (_GO_TO_WINDOW if has_to or abroad else _GO_WINDOW):
            return 0
        if word in _HOSPITAL:
            return length if has_to or not needs_to else 0
    return 0


def _is_room(cased: Sequence[str], words: Sequence[str], at: int) -> bool:
    before, after = words[max(0, at - 4) : at], words[at + 1] if at + 1 < len(words) else STOP
    if not before or after in _NOT_ROOM or "erectile" in words[max(0, at - _NEAR) : at + _NEAR]:
        return False
    if before[-1] in _SITE:
        return True
    if before[-1] not in _DETERMINERS:
        return False
    return (cased[at] == "ER" and before[-1] != "to") or not _WAY.isdisjoint(before)


_TABLES_BY_FIRST = {
    first: tuple((kind, table) for kind, table in _TABLES if first in table.first_words)
    for first in frozenset().union(*(table.first_words for _, table in _TABLES))
}
_STARTS = frozenset(_TABLES_BY_FIRST).union(
    map(str.lower, _ROOMS), ["988"], _CALL, _INJECT, _GO_NEAR, _GO_TO, _GO_ABROAD
)


SERVICE_WORDS = word_set(
    "emergency room department services service number ambulance ambulances hospital nearest local closest er ed",
    "medical immediate urgent care help attention visit visiting seek seeking seen call calling contact",
    "contacting text texting samaritans crisis line poison control send sending request paramedics doctor",
).union(_CALL, _NUMBERS, _GO_NEAR, _GO_TO, _GO_ABROAD, _HOSPITAL)
