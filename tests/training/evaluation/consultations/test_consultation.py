"""Consultations as they are held again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.evaluation.consultations.held import consultation
from training.evaluation.consultations.consultation import PatientTurn, doctor_turns, interleaved, read_transcript


def turns(*images: str) -> tuple[PatientTurn, ...]:
    return (PatientTurn(text="Look.", images=images),)


def test_a_turn_says_or_shows_something() -> None:
    assert PatientTurn(text="", images=("a.png",)).images == ("a.png",)
    with pytest.raises(ValueError, match="must say something"):
        PatientTurn(text=" \u200b")


def test_a_prompt_holds_at_most_thirty_images() -> None:
    assert len(consultation(patient=turns(*(f"{n}.png" for n in range(30))), doctor=()).images) == 30
    with pytest.raises(ValueError, match="31 images, and a prompt holds at most 30"):
        consultation(patient=turns(*(f"{n}.png" for n in range(31))), doctor=())


def test_there_is_no_reply_without_a_turn() -> None:
    with pytest.raises(ValueError, match="2 replies to 1 turns"):
        consultation(patient=turns())


def test_images_are_numbered_over_the_whole_consultation() -> None:
    case = consultation(
        patient=(PatientTurn(text="One.", images=("a.png",)), PatientTurn(text="", images=("b.png", "a.png"))),
        doctor=("Thank you.",),
    )
    assert case.in_words(case.patient[1], "en") == "[image 2] [image 1]"
    assert case.in_words(case.patient[0], "zh") == "One. [图片1]"
    assert case.record("en") == (("patient", "One. [image 1]"), ("doctor", "Thank you."))


def test_without_a_real_doctor_there_is_no_record() -> None:
    assert consultation(doctor=()).record("en") == ()


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_a_transcript_survives_json(pairs: list[tuple[str, str]]) -> None:
    transcript = interleaved([said for said, _ in pairs], [reply for _, reply in pairs])
    assert read_transcript([list(utterance) for utterance in transcript]) == transcript
    assert doctor_turns(transcript) == [reply for _, reply in pairs]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "no list"),
        ([], "no list"),
        ("patient", "no list"),
        ([["patient", "a"]], "last utterance should be the doctor's"),
        ([["doctor", "a"], ["patient", "b"]], "utterance 0 should be the patient's"),
        ([["patient", "a"], ["doctor", 1]], "utterance 1 is no"),
        ([["patient", "a", "b"]], "utterance 0 is no"),
    ],
)
def test_what_is_no_transcript_is_refused(value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_transcript(value)
