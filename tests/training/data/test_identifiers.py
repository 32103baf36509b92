import time
from collections.abc import Sequence

import pytest

from training.data.capitals import CapitalRules
from training.data.identifiers import Identifier, IdentifierKind, Recogniser, find_identifiers, masked
from training.data.names import NameRules
from training.data.patterns import PatternRules

RULES: tuple[Recogniser, ...] = (PatternRules(), NameRules(), CapitalRules())
NAME, DATE = IdentifierKind.NAME, IdentifierKind.DATE


class Fixed:
    """A recogniser that finds what it is given."""

    def __init__(self, *found: Identifier) -> None:
        self._found = found

    def find(self, text: str) -> Sequence[Identifier]:
        return self._found


def spans(text: str) -> list[tuple[str, str]]:
    return [(str(span.kind), text[span.start : span.end]) for span in find_identifiers(text, RULES)]


def test_what_overlaps_is_one_finding() -> None:
    first, second = Fixed(Identifier(0, 4, NAME), Identifier(9, 12, DATE)), Fixed(Identifier(2, 6, DATE))
    assert find_identifiers("any text here", [first, second]) == (Identifier(0, 6, NAME), Identifier(9, 12, DATE))


def test_the_longest_of_those_that_begin_together_stays() -> None:
    recogniser = Fixed(Identifier(0, 4, NAME), Identifier(0, 9, DATE), Identifier(3, 5, NAME), Identifier(9, 10, NAME))
    assert find_identifiers("any text here", [recogniser]) == (Identifier(0, 9, DATE), Identifier(9, 10, NAME))


def test_a_finding_shows_first_characters_only() -> None:
    text = "seen by Rosalind Achterbergstrasse today"
    assert masked(text, Identifier(8, 34, NAME)) == "R******* A********"


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Seen on 03/04/2021 at noon.", "date", "03/04/2021"),
        ("Seen on 12/25/2020 at noon.", "date", "12/25/2020"),
        ("the visit of 2021-03-04", "date", "2021-03-04"),
        ("it was 4th of July, 2019 then", "date", "4th of July, 2019"),
        ("a man, 93 years old", "age_over_89", "93 years old"),
        ("ring +44 20 7946 0958 now", "phone", "+44 20 7946 0958"),
        ("at a.b-c@example.co.uk today", "email", "a.b-c@example.co.uk"),
        ("see https://example.org/x?y=1 for it", "url", "https://example.org/x?y=1"),
        ("from 192.0.2.1 and", "ip", "192.0.2.1"),
        ("from 2001:db8::ff00:42 and", "ip", "2001:db8::ff00:42"),
        ("SSN 078-05-1120 is", "national_id", "SSN 078-05-1120"),
        ("MRN: 00-4471 was", "record_number", "MRN: 00-4471"),
        ("pacemaker serial number PM4471932X failed", "device", "serial number PM4471932X"),
        ("plate AB12 CDE left", "vehicle", "plate AB12 CDE"),
        ("write to @anna_k7 there", "handle", "@anna_k7"),
        ("to 12 Beech Grove, Otley today", "place", "12 Beech Grove, Otley"),
        ("treated at Saint Olaf Hospital there", "organisation", "Saint Olaf Hospital"),
        ("as my sister Bronwen said", "name", "Bronwen"),
        ("then Dr. A. Nakamura came", "name", "Dr. A. Nakamura"),
    ],
)
def test_each_kind_is_found(text: str, kind: str, found: str) -> None:
    assert spans(text) == [(kind, found)]


@pytest.mark.parametrize(
    "text",
    [
        "Take 1/2 tablet, then 400-800-1200 mg, never above 2,000 mg.",
        "Blood pressure 120/80, pain 7/10, available 24/7, ratio 1:3.",
        "Graves' disease, Crohn's disease, Bell's palsy and Addison's disease are named for doctors.",
        "She takes Zoloft and Ibuprofen, her BMI is 27.5.",
        "Version 13/25/2021 is no date and 300.1.2.3 no address.",
        "**Red Flags and Next Steps**",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize(
    "seed",
    [
        "a",
        "A",
        "1",
        "A.",
        "a-",
        "1-",
        "Aa ",
        "Aa-",
        "12 ",
        "12/",
        "St ",
        "my ",
        "\n",
        "- ",
        "市",
        "王医",
        "a@a.",
        "00:",
        "www.",
        "1.1.",
    ],
)
def test_twice_the_text_takes_about_twice_the_time(seed: str) -> None:
    def seconds(chars: int) -> float:
        began = time.process_time()
        find_identifiers((seed * chars)[:chars], RULES)
        return time.process_time() - began

    assert seconds(16_000) < 3 * seconds(8_000) + 0.5
