"""Holding a consultation: histories, costs, turns, images."""

import base64
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from inspect_ai.model import ChatMessage, ContentImage, ContentText

from tests.training.evaluation.consultations.held import Doctor, answered, consultation
from training.evaluation.consultations.consultation import Consultation, PatientTurn, Utterance
from training.evaluation.consultations.dialogue import Dialogue, content_of, hold, summed
from training.evaluation.consultations.patient import Said, ScriptedPatient
from training.evaluation.rows import Answered


class Talkative:
    """A patient that never ends, and whose second turn stands for one that was withheld."""

    async def says(self, consultation: Consultation, transcript: Sequence[Utterance]) -> Said | None:
        return Said(PatientTurn(text=f"Turn {len(transcript) // 2}."), withheld=len(transcript) == 2)


def roles(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages[1:]]


async def test_the_doctor_sees_its_own_replies_and_never_the_real_ones() -> None:
    doctor = Doctor(["Any pain?", "Keep it up."])
    dialogue = await hold(consultation(hidden_case=("I take warfarin.",)), doctor, ScriptedPatient(), "en")
    assert [roles(messages) for messages in doctor.seen] == [
        [("user", "My ankle is swollen.")],
        [("user", "My ankle is swollen."), ("assistant", "Any pain?"), ("user", "I can walk on it.")],
    ]
    assert [message.role for message in dialogue.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert dialogue.transcript == (
        ("patient", "My ankle is swollen."),
        ("doctor", "Any pain?"),
        ("patient", "I can walk on it."),
        ("doctor", "Keep it up."),
    )
    assert (dialogue.ended_by, dialogue.withheld) == ("patient", 0)
    assert all("warfarin" not in repr(message) for message in dialogue.messages)


@pytest.mark.parametrize(("language", "begins"), [("en", "You are a doctor."), ("zh", "你的身份是医生")])
async def test_the_system_message_speaks_the_language(language: str, begins: str) -> None:
    doctor = Doctor(["Rest."])
    await hold(consultation(), doctor, ScriptedPatient(), "zh" if language == "zh" else "en")
    assert doctor.seen[0][0].role == "system"
    assert doctor.seen[0][0].text.startswith(begins)


async def test_turns_are_bounded() -> None:
    doctor = Doctor(["Go on."])
    dialogue = await hold(consultation(), doctor, Talkative(), "en", max_turns=3)
    assert len(doctor.seen) == 3
    assert (dialogue.ended_by, dialogue.withheld) == ("max_turns", 1)
    assert dialogue.transcript[-1] == ("doctor", "Go on.")


def test_costs_are_summed_and_the_rest_kept_by_turn() -> None:
    replies = (answered("One.", extra={"n": 1}), answered("Two.", trace={"round": 1}, seconds=1.0))
    said = summed(Dialogue((), (("patient", "a"), ("doctor", "One.")), replies, 2, "patient"))
    assert said.text == "One.\n\nTwo."
    assert (said.input_tokens, said.cached_tokens, said.output_tokens, said.seconds, said.calls) == (20, 8, 6, 1.5, 2)
    assert said.trace == {"turns": [None, {"round": 1}]}
    assert said.extra == {
        "turns": 2,
        "transcript": [["patient", "a"], ["doctor", "One."]],
        "withheld": 2,
        "ended_by": "patient",
        "doctor": [{"n": 1}, {}],
    }
    assert Answered(**asdict(said)) == said


def test_without_traces_there_is_none() -> None:
    assert summed(Dialogue((), (), (answered("One."),), 0, "patient")).trace is None


def test_images_are_sent_as_data_of_local_files(tmp_path: Path) -> None:
    path = tmp_path / "ankle.JPG"
    path.write_bytes(b"pixels")
    uri = f"data:image/jpeg;base64,{base64.b64encode(b'pixels').decode()}"
    both = content_of(PatientTurn(text="Look.", images=(str(path),)))
    assert both == [ContentText(text="Look."), ContentImage(image=uri)]
    assert content_of(PatientTurn(text="", images=(str(path),))) == [ContentImage(image=uri)]
    assert content_of(PatientTurn(text="Look.")) == "Look."


@pytest.mark.parametrize("path", ["https://example.org/a.png", "absent.png"])
def test_nothing_is_fetched(path: str) -> None:
    with pytest.raises(OSError, match="No such file"):
        content_of(PatientTurn(text="", images=(path,)))


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("secret", encoding="utf-8")
    with pytest.raises(ValueError, match="the suffix is none of"):
        content_of(PatientTurn(text="", images=(str(path),)))
