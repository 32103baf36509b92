import pytest

from service.revision.emergencies import Kind, mentions, native_places
from service.revision.words import cased_words


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Please call 911 today.", Kind.HELP, "call 911"),
        ("Ring Samaritans.", Kind.CRISIS_LINE, "Samaritans"),
        ("Free: 116 123.", Kind.CRISIS_LINE, "116 123"),
        ("Call poison control now.", Kind.POISON_LINE, "poison control"),
        ("Dial 9-1-1.", Kind.HELP, "9 1 1"),
        ("Call triple zero now.", Kind.HELP, "triple zero"),
        ("Start CPR.", Kind.HELP, "CPR"),
        ("Inject the EpiPen now.", Kind.HELP, "Inject the EpiPen"),
        ("Take your son to the nearest hospital.", Kind.HELP, "Take your son to the nearest hospital"),
        ("Go to the nearest ED now.", Kind.HELP, "ED"),
        ("Go straight to the ER.", Kind.HELP, "ER"),
        ("Appelez le 15.", Kind.HELP, "Appelez le 15"),
        ("Vaya al hospital.", Kind.HELP, "Vaya al hospital"),
        ("Rufen Sie den Notarzt.", Kind.HELP, "Notarzt"),
        ("Allez \u00e0 l\u2019h\u00f4pital.", Kind.HELP, "Allez a lhopital"),
        ("Seek urgent medical help.", Kind.CARE_SOON, "urgent medical help"),
        ("Do not drive yourself.", Kind.URGENCY, "Do not drive yourself"),
    ],
)
def test_a_mention_is_found_where_it_stands(text: str, kind: Kind, found: str) -> None:
    words = cased_words(text)
    assert [(m.kind, " ".join(words[m.start : m.end])) for m in mentions(words)] == [(kind, found)]


@pytest.mark.parametrize(
    "text",
    [
        "Take metformin ER 500 mg.",
        "Take the ER tablets at night.",
        "Smoking contributes to ED.",
        "Erectile dysfunction (ED) is common; see someone about the ED.",
        "Er ist krank.",
        "Call the pharmacy in 10 days.",
        "Take 988 mg.",
        "A hospital wrote to you.",
    ],
)
def test_what_only_looks_alike_is_no_mention(text: str) -> None:
    assert list(mentions(cased_words(text))) == []


def test_other_scripts_are_searched_as_they_stand() -> None:
    assert list(native_places("请去急诊。")) == [(2, 4)]
    assert list(native_places("plain")) == []
