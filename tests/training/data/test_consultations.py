from typing import Any

import pytest

from tests.training.data.rows import faults_after


def consultation_faults(**at: Any) -> list[tuple[str, str]]:
    """Faults after setting values at paths written with double underscores, list positions as numbers."""

    def change(row: Any) -> None:
        for path, value in at.items():
            inner, parts = row, [int(part) if part.isdigit() else part for part in path.split("__")]
            for part in parts[:-1]:
                inner = inner[part]
            inner[parts[-1]] = value

    return faults_after("consultation", change)


def test_roles_alternate_from_the_patient() -> None:
    assert consultation_faults(turns__2__role="doctor") == [("roles", "turns.2.role")]
    assert ("roles", "turns.0.role") in faults_after("consultation", lambda row: row["turns"].pop(0))


def test_the_last_turn_is_the_doctors() -> None:
    assert faults_after("consultation", lambda row: row["turns"].pop()) == [("roles", "turns.2.role")]


def test_a_named_image_exists_and_each_image_is_shown() -> None:
    assert consultation_faults(turns__2__images=["img_9"]) == [("image", "turns.2.images.0")]
    assert consultation_faults(turns__0__images=[]) == [("image", "turns")]


def test_only_the_patient_shows_images() -> None:
    assert ("image", "turns.1.images") in consultation_faults(turns__1__images=["img_1"])


def test_a_patient_may_show_an_image_and_say_nothing() -> None:
    assert consultation_faults(turns__0__text="") == []
    assert consultation_faults(turns__2__text="") == [("empty_text", "turns.2.text")]
    assert consultation_faults(turns__3__text=" ") == [("empty_text", "turns.3.text")]


def test_image_ids_are_told_apart() -> None:
    found = faults_after("consultation", lambda row: row["images"].append(row["images"][0]))
    assert found == [("duplicate_id", "images.1.id")]


@pytest.mark.parametrize("path", ["/etc/hosts", "../x.png", "a/../../x.png", "c:/x.png", "a\\b.png"])
def test_an_image_path_stays_in_its_folder(path: str) -> None:
    assert consultation_faults(images__0__path=path) == [("image", "images.0.path")]


def test_only_a_doctors_reply_is_expanded() -> None:
    assert consultation_faults(turns__0__text_raw="ankle") == [("roles", "turns.0.text_raw")]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("Can you walk? Take paracetamol, 2 tablets of 500 mg, up to 4 times a day.", []),
        ("Can you walk? Take paracetamol, two tablets of 500 milligrams, up to four times a day.", []),
        ("Can you walk? Take paracetamol, 2 tablets of 500 mg, several times a day.", ["lost_number"]),
        ("Can you walk? Take paracetamol, 2 tablets of 500, up to 4 times a day.", ["lost_unit"]),
        ("Can you walk? Take a painkiller, 2 tablets of 500 mg, up to 4 times a day.", ["lost_drug"]),
        ("Can you walk? Take something for the pain.", ["lost_number", "lost_number", "lost_number", "lost_drug"]),
    ],
)
def test_an_expanded_reply_keeps_every_number_unit_and_medicine(text: str, faults: list[str]) -> None:
    assert consultation_faults(turns__1__text=text) == [(kind, "turns.1.text") for kind in faults]


@pytest.mark.parametrize("age", ["34", "4m", "89", "89y", "90+", "unknown", "90m"])
def test_an_age_that_many_have_is_taken(age: str) -> None:
    assert consultation_faults(patient__age=age) == []


@pytest.mark.parametrize(
    ("age", "kind"), [("90", "identifier"), ("104y", "identifier"), ("old", "bad_value"), (34, "wrong_type")]
)
def test_an_age_that_identifies_is_refused(age: Any, kind: str) -> None:
    assert consultation_faults(patient__age=age) == [(kind, "patient.age")]


def test_hits_in_an_image_are_blacked_out() -> None:
    assert consultation_faults(images__0__phi_check__ocr_hits=2) == [("identifier", "images.0.phi_check.redacted")]
    assert consultation_faults(images__0__phi_check__ocr_hits=2, images__0__phi_check__redacted=True) == []
    assert consultation_faults(images__0__phi_check__ner_hits=-1) == [("bad_value", "images.0.phi_check.ner_hits")]


def test_both_searches_were_made() -> None:
    found = consultation_faults(curation__anonymized__ner=False, curation__anonymized__ocr=False)
    assert found == [("identifier", "curation.anonymized.ner"), ("identifier", "curation.anonymized.ocr")]
