import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.feedback.content import kept
from service.feedback.deidentify import deidentified
from service.revision.feedback import Content
from tests.service.feedback.records import record


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Mail jo.doe+x@mail.nhs.uk today", "Mail [MAIL] today"),
        ("call +44 20 7946 0958.", "call [PHONE]."),
        ("call (555) 123-4567 or 555-123-4567", "call [PHONE] or [PHONE]"),
        ("tel 020 7946 0958", "tel [PHONE]"),
        ("NHS 943 476 5919", "NHS [ID]"),
        ("it is 9434765919,", "it is [ID],"),
        ("MRN: A123456", "MRN: [ID]"),
        ("patient ID 998877", "patient ID [ID]"),
        ("SSN 123-45-6789", "SSN [ID]"),
        ("born 12/03/1981", "born [DATE]"),
        ("born 1981-03-12", "born [DATE]"),
        ("born 3.5.1981", "born [DATE]"),
        ("seen 03/04/24", "seen [DATE]"),
        ("on 3rd of May 1981", "on [DATE]"),
        ("on March 4th, 1990", "on [DATE]"),
        ("on 5 October", "on [DATE]"),
        ("lives at SW1A 1AA", "lives at [POST]"),
        ("Boston MA 02115-1234", "Boston MA [ZIP]"),
        ("see https://x.org/a?b=c now", "see [URL] now"),
        ("身份证号\uff1a11010519491231002X", "身份证号\uff1a[ID]"),
        ("她的号码11010519491231002X", "她的号码[ID]"),
        ("电话13812345678", "电话[PHONE]"),
        ("病历号A00123", "病历号[ID]"),
        ("2026年3月4日来诊", "[DATE]来诊"),
    ],
)
def test_what_has_a_form_is_replaced(text: str, left: str) -> None:
    assert deidentified(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "500 mg, 120/80, 5 days",
        "5/10/20 mg, 10/20/40 mg daily",
        "1.5 mmol/l, pH 7.35-7.45, INR 2.0-3.0, 98.6 F",
        "10 000 IU, 100000 units, 1000 mg 4 times",
        "2-3 times in 1-2 weeks, 24/7, 10/10 pain",
        "100-200-300 mg, 25-100 mcg",
        "eGFR 45 ml/min/1.73 m2, BP 120/80/60",
        "aged 45, BMI 27.4, SpO2 92%, HbA1c 48 mmol/mol",
        "a 2021 guideline, 3 may do, B12, T4, L5 S1",
        "每日500毫克, 5天, 血压120/80",
        "Mrs Smith of Ward 7",
    ],
)
def test_doses_values_durations_and_names_stay(text: str) -> None:
    assert deidentified(text) == text


@given(st.text(alphabet="0123456789 -/.+()@:abcXAZMRNIDhtps年月日号May", max_size=80))
@example("+000")
def test_a_text_never_grows(text: str) -> None:
    assert len(deidentified(text)) <= len(text)


@pytest.mark.parametrize("unit", ["1", "a", "+1 ", "a@", "a.b@c.", "12/", "MRN", "ID: ", "1-", "http://", "0 "])
def test_time_is_linear(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.perf_counter()
        deidentified(text)
        return time.perf_counter() - began

    assert seconds(100_000) < 60 * max(seconds(10_000), 0.001)


def test_every_text_is_replaced_and_no_reference() -> None:
    mail = "jo@doe.org"
    given_record = record(
        preferred="own_edit",
        own_edit=mail,
        note=mail,
        messages=[{"role": "user", "content": mail}],
        rubric=[{"action": "add", "text": mail, "points": 1}, {"action": "change", "criterion": 1, "text": mail}],
        revision={"draft": mail, "answer": mail, "criteria": [{"number": 1, "text": mail, "points": 1}]},
    )
    found = kept(given_record, Content.DEIDENTIFIED)
    shown = found.model_dump_json()
    assert (mail in shown, shown.count("[MAIL]")) == (False, 8)
    assert (found.id, found.patient, found.reviewer) == (given_record.id, "p-1", given_record.reviewer)
    assert kept(given_record, Content.STORED) == given_record


def test_what_is_withheld_leaves_choices_and_numbers() -> None:
    found = kept(record(note="secret"), Content.WITHHELD)
    assert (found.note, found.own_edit, found.messages, found.revision) == (None, None, None, None)
    assert [edit.model_dump(exclude={"action"}) for edit in found.rubric] == [
        {"text": None, "points": 5, "principle": "safety.a"},
        {"criterion": 1, "text": None, "points": -3},
        {"criterion": 1},
    ]
    assert found.verdicts == record().verdicts
    assert found.content is Content.WITHHELD
