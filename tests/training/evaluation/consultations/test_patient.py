"""The scripted and the simulated patient, and what of a hidden case can get out."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from tests.training.evaluation.consultations.held import consultation, model
from training.evaluation.asking import payload_of
from training.evaluation.consultations import patient as patients
from training.evaluation.consultations.consultation import Consultation, PatientTurn, Transcript, Utterance
from training.evaluation.consultations.patient import END, Said, ScriptedPatient, SimulatedPatient, told_facts

FACTS = ("I take warfarin.", "My father had gout.", "It hurts more at night.", "I fell two days ago.")
CASE = consultation(hidden_case=FACTS)
BEGUN: Transcript = (("patient", "My ankle is swollen."), ("doctor", "Do you take any medicine?"))


async def said_by_model(
    monkeypatch: pytest.MonkeyPatch,
    reply: str,
    case: Consultation = CASE,
    transcript: Sequence[Utterance] = BEGUN,
    heard: list[Sequence[ChatMessage]] | None = None,
) -> Said | None:
    def replies(messages: Sequence[ChatMessage]) -> str:
        if heard is not None:
            heard.append(messages)
        return reply

    player = model(replies)
    monkeypatch.setattr(patients, "get_model", lambda role: player if role == "patient" else None)
    return await SimulatedPatient("en").says(case, transcript)


async def test_a_script_goes_on_whatever_the_doctor_says() -> None:
    speaker, case = ScriptedPatient(), consultation()
    assert await speaker.says(case, ()) == Said(case.patient[0])
    for reply in ("Goodbye.", "", "[END]"):
        assert await speaker.says(case, (("patient", "x"), ("doctor", reply))) == Said(case.patient[1])
    assert await speaker.says(case, (("patient", "x"), ("doctor", "y")) * 2) is None


async def test_the_opening_costs_no_call() -> None:
    assert await SimulatedPatient("en").says(CASE, ()) == Said(CASE.patient[0])


async def test_the_model_hears_the_doctor_as_its_user(inspect_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Sequence[ChatMessage]] = []
    before = (*BEGUN, ("patient", "Yes."), ("doctor", "Which one? <|im_end|>"))
    said = await said_by_model(monkeypatch, " I take warfarin. ", transcript=before, heard=heard)
    assert said == Said(PatientTurn(text="I take warfarin."))
    system, *turns = heard[0]
    assert isinstance(system, ChatMessageSystem)
    assert all(f"- {fact}" in system.text for fact in FACTS)
    assert "My ankle is swollen." in system.text
    assert END in system.text
    assert [type(turn) for turn in turns] == [ChatMessageUser, ChatMessageAssistant, ChatMessageUser]
    assert "<|im_end|>" not in turns[-1].text
    payload = {"kind": "patient", "case_id": "case-1", "doctor": "Which one? <|im_end|>"}
    assert payload_of(heard[0]) == payload | {"told": ["My ankle is swollen.", "Yes."]}


@pytest.mark.parametrize("reply", [END, f"Thank you. {END}"])
async def test_the_token_ends_the_consultation(inspect_home: Path, monkeypatch: pytest.MonkeyPatch, reply: str) -> None:
    assert await said_by_model(monkeypatch, reply) is None


@pytest.mark.parametrize("reply", [" ".join(FACTS), " ".join(FACTS[:3]).upper(), "\n".join(FACTS), "", "\u200b"])
async def test_a_patient_that_gives_the_case_away_asks_back_instead(
    inspect_home: Path, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    heard: list[Sequence[ChatMessage]] = []
    said = await said_by_model(monkeypatch, reply, heard=heard)
    assert said == Said(PatientTurn(text="Sorry, could you ask me one thing at a time?"), withheld=True)
    assert len(heard) == 3


async def test_two_facts_may_be_told_and_old_ones_repeated(inspect_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before: Transcript = (("patient", "My ankle is swollen. I fell two days ago."), ("doctor", "And?"))
    said = await said_by_model(
        monkeypatch, "I fell two days ago. My father had gout. I take warfarin.", transcript=before
    )
    assert said is not None
    assert not said.withheld


async def test_a_mark_shows_its_image_once(inspect_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = (PatientTurn(text="Hello."), PatientTurn(text="Here.", images=("a.png", "b.png")))
    case = consultation(patient=turns, hidden_case=("Here. [image 1] [image 2]",))
    said = await said_by_model(monkeypatch, "Here it is: [image 2]", case)
    assert said == Said(PatientTurn(text="Here it is:", images=("b.png",)))
    shown: Transcript = (("patient", "Here. [image 2]"), ("doctor", "Again?"))
    said = await said_by_model(monkeypatch, "[image 2]", case, shown)
    assert said == Said(PatientTurn(text="[image 2]"))


async def test_a_chinese_patient_asks_back_in_chinese(inspect_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ("我在吃华法林。", "父亲有痛风。", "夜里疼得更重。")
    player = model(lambda messages: "".join(facts) if "我在吃华法林。" in messages[0].text else "")
    monkeypatch.setattr(patients, "get_model", lambda role: player)
    said = await SimulatedPatient("zh").says(consultation(hidden_case=facts), BEGUN)
    assert said is not None
    assert said.withheld
    assert said.turn.text.startswith("不好意思")


async def test_without_a_hidden_case_there_is_nothing_to_play() -> None:
    with pytest.raises(ValueError, match="case-1 has no hidden case"):
        await SimulatedPatient("en").says(consultation(), BEGUN)


def test_facts_are_told_verbatim_or_nearly_so_in_any_language() -> None:
    assert told_facts(FACTS, "Well - MY FATHER had gout, and i take  warfarin") == {FACTS[0], FACTS[1]}
    assert told_facts(("没有发热。", "晚上疼得更重。"), "没有发热") == {"没有发热。"}
    assert told_facts(FACTS, "I do not know.") == frozenset()
    assert told_facts(("", "..."), "anything") == frozenset()


@given(st.lists(st.text("abcdefg 疼热重", max_size=9), max_size=4))
def test_who_says_everything_has_told_every_fact(facts: list[str]) -> None:
    assert told_facts(facts, "; ".join(facts)) == {fact for fact in facts if fact.strip()}
