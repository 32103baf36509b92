"""Owns finding names of persons, places and organisations by rules: what stands before a name, and lists of known ones.

Invariant: pure functions of text. A disease or sign named for a person ("Bell's palsy") is no person, and a word before
"disease", "syndrome" and the like is never one by itself. A name that nothing announces and no list knows is missed.
"""

# ruff: noqa: RUF001 - curly apostrophes and full-width marks are what the texts hold

import re
import unicodedata
from collections.abc import Iterator, Sequence

from training.data.identifiers import Identifier, IdentifierKind
from training.data.lexicon import words

_CAP = r"(?:(?:[Mm]a?c|O['’]|[Dd]['’]|Al-|El-)?[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+(?:[-'’][A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+){0,3}|[A-Z]\.)"
_PARTICLE = r"(?:(?:van|von|de|da|del|della|di|dos|la|le|bin|ibn|al|der|den|ten)\s){0,2}"
_FULL = rf"{_CAP}(?:\s{_PARTICLE}{_CAP}){{0,3}}"
_UPPER = r"[A-Z][A-Z'’-]*[A-Z]"
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Drs|Prof|Professor|Doctor|Sir|Dame|Lady|Lord|Rev|Reverend|Father|Sister|Nurse|Matron|Captain|Sgt|"
    r"Herr|Frau|Monsieur|Madame|Mme|Señor|Señora|Senor|Senora|Signor|Signora|Sheikh|Rabbi|Imam|Auntie|Uncle|Aunt)"
)
_RELATION = (
    r"(?:[Mm]y|[Hh]is|[Hh]er|[Oo]ur|[Tt]heir|[Tt]he)\s(?:\w+\s)?(?:wife|husband|son|daughter|mother|father|mum|mom|dad|brother|sister|partner|"
    r"fiancée?|friend|baby|neighbou?r|boss|colleague|cousin|uncle|aunt|auntie|niece|nephew|grandson|granddaughter|grandmother|"
    r"grandfather|grandma|grandpa|nan|gran|twins?|girlfriend|boyfriend|carer|caregiver|dentist|therapist|GP|doctor|nurse|midwife|"
    r"surgeon|consultant|psychiatrist|physiotherapist|cardiologist|patient|client|teacher|flatmate|roommate|kid|boy|girl|child)"
)
_LABEL = (
    r"(?i:\b(?:(?:patient(?:'s)?(?:\s(?:full\s)?name)?|(?:full\s|first\s|last\s|given\s|family\s|maiden\s|mother's\s|father's\s)?name|surname|forename|"
    r"next\sof\skin|emergency\scontact|referring\s(?:doctor|physician)|attending(?:\sphysician)?|consultant|physician|radiologist|"
    r"surgeon|technician|cc|from|to)\s?:|(?:referred\sby|reported\sby|signed(?:\sby)?|reviewed\sby|verified\sby|dear|hi|hello)[:,]?)\s?)\s*"
)
_INTRODUCED = (
    r"(?i:\b(?:my\s(?:full\s)?name(?:\sis|['’]s|:)|(?:his|her|their|whose|the\spatient['’]s|a\sman|a\swoman|someone)\sname(?:d|\sis|\swas|['’]s)|i\sam\scalled|"
    r"i['’]m\scalled|call\sme|known\sas|goes\sby|is\scalled|was\scalled|this\sis|named|asked\sfor|spoke\s(?:to|with)|speak\s(?:to|with)|"
    r"seen\sby|written\sby|under\sthe\scare\sof|care\sof|signed\sby|regards|sincerely|thanks|cheers|best\swishes|yours|love)[,:]?)\s+"
)
_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Close|Court|Way|Boulevard|Blvd|Crescent|Terrace|Place|Square|Gardens|Grove|Hill|"
    r"Row|Mews|Parade|Highway|straße|strasse|Straße)"
)
_BODY = (
    r"(?:Hospital|Infirmary|Clinic|Medical\sCent(?:re|er)|Health\sCent(?:re|er)|Surgery|Practice|Hospice|Nursing\sHome|Care\sHome|University|"
    r"College|School|Academy|Nursery|Pharmacy|Church|Mosque|Temple|Synagogue|Prison|Ltd|Limited|Inc|LLC|LLP|GmbH|PLC|plc|Corp|Corporation|"
    r"Company|Bank|Foundation|Institute|Laborator(?:y|ies)|Insurance|Council|Barracks|Airlines?|Airport|Factory|Trust)"
)
_AILMENT = (
    r"(?:['’]s?)?[\s-](?:and\s\w+['’]?s?\s)?(?:disease|syndrome|palsy|sign|test|score|scale|lymphoma|sarcoma|tumou?r|thyroiditis|phenomenon|"
    r"contractures?|disorder|chorea|gangrene|hernia|cysts?|nodes?|spots?|reflex|manoeuvre|maneuver|fracture|dementia|bodies|body|virus|"
    r"procedure|catheter|law|tetralogy|anaemia|anemia|criteria|classification|ulcers?|esophagus|oesophagus|smear|exercises?|ataxia|"
    r"coma\sscale|encephalopathy|nephropathy|arteritis|granulomatosis|tendon|index|formula|ratio|method|position|line|angle)\b"
)
_SURNAME = rf"(?:欧阳|司马|上官|[{''.join(sorted(words('surnames_zh')))}])"
_CONTEXTS = tuple(
    (re.compile(pattern), group)
    for pattern, group in (
        (rf"\b{_TITLE}\.?\s({_PARTICLE}(?:{_FULL}|{_UPPER}))", 0),
        (rf"{_RELATION},?\s(?:is\s)?(?:called\s|named\s)?({_FULL})", 1),
        (rf"{_LABEL}({_FULL}|{_UPPER}(?:,?\s{_UPPER})*)", 1),
        (rf"{_INTRODUCED}({_FULL})", 1),
        (rf"\b(?:PATIENT|NAME|SURNAME)\s({_UPPER}(?:\s{_UPPER})?)", 1),
        (r"(?i:\bmy\sname(?:\sis|['’]s)\s)([a-z]+(?:\s[a-z]+)?)\b", 1),
        (rf"\b(?:I am|I['’]m)\s({_CAP}\s{_CAP})", 1),
        (rf"(?:^|\n)[ \t]*[-–—~]\s?({_FULL})[ \t]*$", 1),
        (rf"患者({_SURNAME}[一-龥]{{1,2}})(?=[，,、\s])", 1),
        (
            r"(?:我叫|姓名[:：是为]?\s?|患者[:：]\s?|名字[:：是叫]\s?|联系人[:：]\s?|医生[:：]\s?|医师[:：]\s?)"
            r"([一-龥]{2,4}?)(?=[，,。；;\s男女、！!]|$)",
            1,
        ),
        (rf"(?<![一-龥])({_SURNAME}[一-龥]{{0,2}}(?:先生|女士|医生|大夫|主任|护士|教授|阿姨|师傅))", 1),
    )
)
_PLACES = (
    re.compile(
        rf"(?:\b(?:Flat|Apartment|Apt|Unit|Suite|Room|House|No)\.?\s?\d{{1,5}}[A-Za-z]?,?\s)?\b\d{{1,5}}[A-Za-z]?,?\s"
        rf"(?:{_CAP}\s){{1,3}}{_STREET}\b(?:,\s{_FULL}){{0,3}}"
    ),
    re.compile(rf"\b(?:[Oo]n|[Aa]t|[Ii]n|[Nn]ear|[Oo]ff)\s((?:{_CAP}\s){{1,2}}{_STREET})\b(?!\s(?:of|to)\b)"),
    re.compile(
        rf"(?:\b[Ll]iv(?:e|es|ed|ing)\s(?:in|at|near)|\b(?:[Rr]esident|[Nn]ative)\sof|\b(?:[Bb]orn|[Rr]aised|[Gg]rew\sup|based|[Rr]etired)\s(?:in|near|outside)|\bmoved\s(?:to|from)|"
        rf"\b(?:village|town|city|suburb|borough|district|county|parish)\sof|\bhome\sin|\bhouse\sin|\b[Aa]ddress(?:\sis)?:?)\s({_FULL}(?:,\s{_FULL})*)"
    ),
)
_ORGANISATIONS = (
    re.compile(
        rf"\b(?:(?:{_CAP}|St\.?|NHS|of|and|&|the)\s){{0,5}}?(?:{_CAP}|St\.?)(?:['’]s?)?\s(?:{_CAP}\s)?{_BODY}\b"
    ),
    re.compile(rf"\bUniversity\s(?:Hospital\s)?of\s{_FULL}"),
    re.compile(rf"\b(?:[Ww]ork(?:s|ed|ing)?|[Ee]mployed|job)\s(?:at|for|by)\s(?:the\s)?({_FULL})"),
    re.compile(
        r"(?:(?![到在去来往从我你他她的做请是])[一-龥]){2,12}(?:医院|卫生院|大学|中学|小学|幼儿园|有限公司|集团|派出所)"
    ),
)
_GIVEN = re.compile(rf"(?<![\w'’-]){_CAP}(?:\s{_CAP}){{0,2}}(?![\w-])")
_GENERIC = re.compile(
    r"^(?:The|A|An|Your|My|Our|Their|His|Her|This|That|Any|Local|General|National|Community|University|Public|Private|Children['’]s|"
    r"Emergency|Day|Walk|Primary|Secondary|High|Medical|Urgent|Care|Each|Every|Some|Go|To|In|At)\b"
)


class NameRules:
    """A recogniser of names of persons, places and organisations, in English and some Chinese."""

    def find(self, text: str) -> Sequence[Identifier]:
        """Every name that the rules see."""
        return [*_persons(text), *_places(text), *_organisations(text)]


def _persons(text: str) -> Iterator[Identifier]:
    for pattern, group in _CONTEXTS:
        for match in pattern.finditer(text):
            if _is_name(text, match.start(1), match.end(1)):
                yield Identifier(match.start(group), _trimmed(text, match.start(1), match.end(1)), IdentifierKind.NAME)
    for match in _GIVEN.finditer(text):
        for start, word in _parts(match):
            if _folded(word) in words("given_names") - words("brands") and _is_name(text, start, match.end()):
                yield Identifier(start, _trimmed(text, start, match.end()), IdentifierKind.NAME)
                break


def _places(text: str) -> Iterator[Identifier]:
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            group = pattern.groups
            if _is_name(text, match.start(group), match.end(group)):
                yield Identifier(match.start(group), match.end(group), IdentifierKind.PLACE)
    for match in re.finditer(_CAP, text):
        if _folded(match.group()) in words("towns") and not _names_an_ailment(text, match.end()):
            yield Identifier(match.start(), match.end(), IdentifierKind.PLACE)


def _organisations(text: str) -> Iterator[Identifier]:
    for pattern in _ORGANISATIONS:
        for match in pattern.finditer(text):
            found = match.group(pattern.groups)
            generic = _GENERIC.match(found) and len(found.split()) <= 3 and " of " not in found
            if not generic and not _names_an_ailment(text, match.end()):
                yield Identifier(match.start(pattern.groups), match.end(pattern.groups), IdentifierKind.ORGANISATION)


def _parts(match: re.Match[str]) -> Iterator[tuple[int, str]]:
    for part in re.finditer(r"\S+", match.group()):
        yield match.start() + part.start(), part.group()


def _is_name(text: str, start: int, end: int) -> bool:
    """Say whether a span can be a name: not a word that begins sentences, and not what a disease is named for."""
    first = text[start:end].split()[0] if text[start:end].split() else ""
    if _folded(first) in words("not_names") and not re.fullmatch(r"[A-Z]\.", first):
        return False
    return not _names_an_ailment(text, end)


def _names_an_ailment(text: str, end: int) -> bool:
    return re.match(_AILMENT, text[end : end + 80], re.IGNORECASE) is not None


def _trimmed(text: str, start: int, end: int) -> int:
    """The end of a name without the words after it that begin a new sentence or are no names."""
    kept = end
    for part in reversed(list(re.finditer(r"\S+", text[start:end]))):
        if part.start() == 0 or _folded(part.group()) not in words("not_names"):
            break
        kept = start + len(text[start : start + part.start()].rstrip())
    return kept


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.removesuffix("'s").removesuffix("’s").rstrip(".,"))
    return "".join(char for char in plain if not unicodedata.combining(char)).lower()
