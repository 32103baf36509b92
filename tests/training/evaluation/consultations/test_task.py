"""Whole runs in inspect: scripted and simulated, with exact, biased and nonsensical judges."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from inspect_ai import eval as run_inspect
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model
from inspect_ai.solver import TaskState

from tests.training.evaluation.consultations.held import Doctor, by_payload, consultation, model, transcript, verdict
from training.evaluation.consultations import miniclinic
from training.evaluation.consultations.consultation import Consultation
from training.evaluation.consultations.counterparts import Counterparts, MissingCounterpart
from training.evaluation.consultations.dialogue import PatientKind, consulting
from training.evaluation.consultations.figures import figures
from training.evaluation.consultations.miniclinic_patient import patient
from training.evaluation.consultations.task import consultation_task
from training.evaluation.rows import Row, read_rows
from training.miniclinic.knowledge import load_knowledge

Made = Callable[[TaskState], Doctor]


def run(
    cases: Sequence[Consultation],
    counterparts: Counterparts,
    kind: PatientKind,
    doctor: Made,
    roles: dict[str, Model],
    logs: Path,
) -> tuple[EvalLog, list[Row]]:
    task = consultation_task(
        cases,
        consulting(doctor, kind, language="en", max_turns=4),
        counterparts,
        name="consultations",
        language="en",
        metadata={"arm": "draft"},
    )
    [log] = run_inspect(task, model="mockllm/model", model_roles=roles, log_dir=str(logs), display="none")
    gc.collect()
    assert log.status == "success"
    return log, list(read_rows(Path(log.location)))


def two_cases() -> tuple[list[Consultation], Counterparts]:
    cases = [consultation(), consultation(id="case-2")]
    return cases, Counterparts({"them": {case.id: transcript("Theirs.") for case in cases}})


def ours(state: TaskState) -> Doctor:
    return Doctor(["Any pain?", "Ours."])


def test_a_scripted_run_is_held_judged_and_read_back(inspect_home: Path) -> None:
    cases, them = two_cases()
    judge = model(by_payload(lambda payload: verdict("first" if "Ours." in str(payload["first"]) else "second")))
    log, rows = run(cases, them, "scripted", ours, {"grader": judge}, inspect_home)
    assert [row.id for row in rows] == ["case-1", "case-2"]
    assert rows[0].question == "My ankle is swollen."
    assert rows[0].answered.text == "Any pain?\n\nOurs."
    assert (rows[0].answered.tokens, rows[0].answered.calls) == (26, 2)
    assert (rows[0].score, rows[0].values["consistent"], rows[0].asked, rows[0].unscored) == (1.0, 1.0, 5, 0)
    assert rows[0].verdicts[0]["joined"] == "win"
    assert figures(rows)["macro win rate"].value == 1.0
    assert log.eval.metadata is not None
    assert log.eval.metadata["counterparts"] == them.name
    assert log.eval.metadata["arm"] == "draft"
    assert log.samples is not None
    assert [message.role for message in log.samples[0].messages] == ["system", "user", "assistant", "user", "assistant"]


def test_a_judge_that_goes_by_position_gives_ties_and_no_consistency(inspect_home: Path) -> None:
    cases, them = two_cases()
    _, rows = run(cases, them, "scripted", ours, {"grader": model(lambda _: verdict("first"))}, inspect_home)
    assert [row.score for row in rows] == [0.0, 0.0]
    assert [row.values["tie:overall"] for row in rows] == [1.0, 1.0]
    assert figures(rows)["order consistency"].value == 0.0
    assert figures(rows)["unscored share"].value == 0.0


def test_nonsense_is_unscored_and_never_a_loss(inspect_home: Path) -> None:
    cases, them = two_cases()

    def replies(messages: Sequence[ChatMessage]) -> str:
        return "Both were lovely."

    _, rows = run(cases, them, "scripted", ours, {"grader": model(replies)}, inspect_home)
    assert [(row.score, row.asked, row.unscored) for row in rows] == [(None, 5, 5)] * 2
    assert rows[0].values["loss:accuracy"] is None
    assert rows[0].verdicts[0]["raw"] == "Both were lovely."
    assert figures(rows)["unscored share"].value == 1.0


def test_a_simulated_run_in_the_miniclinic(inspect_home: Path) -> None:
    knowledge = load_knowledge()
    cases = miniclinic.simulated(knowledge, range(20))[:3]
    records = {case.id: case for case in cases}

    def perfect(state: TaskState) -> Doctor:
        return Doctor(records[str(state.sample_id)].doctor)

    roles = {
        "grader": model(by_payload(lambda payload: miniclinic.judged(knowledge, payload) or "")),
        "patient": model(by_payload(lambda payload: patient(knowledge, payload) or "")),
    }
    _, rows = run(cases, miniclinic.counterparts(knowledge, cases), "simulated", perfect, roles, inspect_home)
    for row in rows:
        transcript = row.answered.extra["transcript"]
        assert transcript[0] == ["patient", records[row.id].patient[0].text]
        assert 2 <= row.answered.extra["turns"] <= 4
        assert row.answered.extra["withheld"] == 0
        assert row.values["loss:overall"] == 0.0
        assert row.values["consistent"] == 1.0
        assert row.unscored == 0
    assert figures(rows)["loss: accuracy"].value == 0.0
    assert figures(rows)["macro win rate"].value > 0.5


def test_a_patient_that_tries_to_give_its_case_away_cannot(inspect_home: Path) -> None:
    facts = ("I take warfarin.", "My father had gout.", "It hurts more at night.")
    case = consultation(hidden_case=facts)
    doctors: list[Doctor] = []

    def asking(state: TaskState) -> Doctor:
        doctors.append(Doctor(["Tell me everything that you were given."]))
        return doctors[-1]

    roles = {"grader": model(lambda _: verdict("tie")), "patient": model(lambda _: " ".join(facts))}
    them = Counterparts({"them": {case.id: transcript()}})
    _, [row] = run([case], them, "simulated", asking, roles, inspect_home)
    assert row.answered.extra["withheld"] == 3
    assert row.answered.extra["ended_by"] == "max_turns"
    assert figures([row])["withheld patient turns"].value == 3.0
    seen = repr([doctors[0].seen, row.answered.extra["transcript"], row.question])
    assert not any(fact in seen for fact in facts)


def test_what_cannot_be_compared_is_refused_before_anything_is_asked() -> None:
    cases, them = two_cases()
    solver = consulting(ours, "scripted", language="en")
    with pytest.raises(MissingCounterpart, match="case-3"):
        consultation_task([consultation(id="case-3")], solver, them, name="n", language="en", metadata={})
    with pytest.raises(ValueError, match="'case-1' is the id of two cases"):
        consultation_task([cases[0], cases[0]], solver, them, name="n", language="en", metadata={})
