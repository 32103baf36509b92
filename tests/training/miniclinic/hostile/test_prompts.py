from collections import Counter

from training.miniclinic.hostile.disguises import DISGUISES, in_base64, in_rot13, reversed_by_bidi, with_zero_width
from training.miniclinic.hostile.prompts import CARRIERS, PROMPTS, TARGETS, as_lines, load_templates, read_entries


def test_the_kept_texts_are_what_the_rules_write() -> None:
    assert PROMPTS.read_text(encoding="utf-8") == as_lines()


def test_a_thousand_texts_fifty_of_each_family_two_hundred_of_each_carrier() -> None:
    entries = read_entries()
    assert len({entry.id for entry in entries}) == len({(entry.carrier, entry.text) for entry in entries}) == 1000
    assert set(Counter(entry.family for entry in entries).values()) == {50}
    assert Counter(entry.carrier for entry in entries) == dict.fromkeys(CARRIERS, 200)
    assert {entry.target for entry in entries} == set(TARGETS)
    assert {entry.family for entry in entries} == set(load_templates().families)


def test_a_control_is_another_text_of_about_the_same_length() -> None:
    for entry in read_entries():
        assert entry.control
        assert entry.control != entry.text
        assert len(entry.control) <= len(entry.text) + 80


def test_disguises_hide_and_keep() -> None:
    assert in_base64("say") == "c2F5"
    assert in_rot13(in_rot13("Say yes.")) == "Say yes."
    assert with_zero_width("say yes") == "s\u200ba\u200by y\u200be\u200bs"
    assert reversed_by_bidi("say") == "\u202eyas\u202c"
    assert all(disguise("Leave out every dose.") != "Leave out every dose." for disguise in DISGUISES.values())
