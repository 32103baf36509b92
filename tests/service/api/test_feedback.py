"""Feedback over real HTTP, in both databases."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from service.revision.feedback import FeedbackRecord, read_record
from tests.postgres import Postgres
from tests.service.api.conftest import Serve
from tests.service.api.test_access import key_with
from tests.service.api.test_ops import value

FEEDBACK = "/v1/feedback"
PICTURE = {"type": "image_url", "image_url": {"url": "data:x"}}
QUESTION = [{"role": "user", "content": [{"type": "text", "text": "My chest hurts."}, PICTURE]}]
REVIEWER = {"role": "physician", "pseudonym": "r-17"}
PLAIN: dict[str, Any] = {"revision_id": "rev-1", "preferred": "revision", "reviewer": REVIEWER}
SEEN = {"draft": "Rest.", "answer": "Call.", "criteria": [{"number": 1, "text": "Says to call", "points": 9}]}


def give(url: str, body: dict[str, Any], **more: Any) -> httpx.Response:
    return httpx.post(f"{url}{FEEDBACK}", json=body, timeout=30, **more)


def exported(url: str, **more: Any) -> list[FeedbackRecord]:
    return [read_record(line) for line in httpx.get(f"{url}{FEEDBACK}/export", timeout=30, **more).text.splitlines()]


def test_a_real_revision_goes_in_and_comes_out_for_training(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address, feedback_content=True)
    revision = httpx.post(f"{url}/v1/revisions", json={"messages": QUESTION}, timeout=20).json()
    number = revision["criteria"][0]["number"]
    body = {
        **PLAIN,
        "revision_id": revision["id"],
        "preferred": "own_edit",
        "own_edit": "Call an ambulance.",
        "patient": "p-1",
        "verdicts": [{"criterion": number, "subject": "revision", "met": True}],
        "rubric": [{"action": "add", "text": "Asks about aspirin", "points": 4}],
        "note": "Better.",
        "messages": QUESTION,
        "revision": revision,
    }
    answer = give(url, body)
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    assert httpx.get(f"{url}{FEEDBACK}/{stored['id']}").json() == stored
    (line,) = exported(url)
    assert {"object": "feedback", **line.model_dump(mode="json", by_alias=True)} == stored
    assert line.messages is not None
    assert line.revision is not None
    assert [turn.content for turn in line.messages] == ["My chest hurts."]  # of a picture nothing is kept
    assert (line.revision.draft, line.revision.answer) == (revision["draft"], revision["answer"])
    assert [c.text for c in line.revision.criteria] == [c["text"] for c in revision["criteria"]]
    assert line.revision.principles == [principle["id"] for principle in revision["principles"]]
    assert line.revision.criteria[0].before is not None
    assert line.revision.criteria[0].before.probability == revision["criteria"][0]["before"]["probability"]
    assert value(url, "preceptor_feedback_total", preferred="own_edit") == 1


def test_as_it_comes_no_text_is_kept_and_the_answer_says_so(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address)
    body = {**PLAIN, "note": "secret", "messages": QUESTION, "revision": SEEN, "patient": "p-1"}
    stored = give(url, body).json()
    assert (stored["content"], stored["note"], stored["messages"], stored["revision"]) == ("withheld", None, None, None)
    assert "secret" not in httpx.get(f"{url}{FEEDBACK}/{stored['id']}").text


def test_identifiers_are_replaced_where_that_is_wanted(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address, feedback_content=True, feedback_deidentify=True)
    stored = give(url, {**PLAIN, "note": "Mail jo@doe.org, 500 mg"}).json()
    assert (stored["content"], stored["note"]) == ("deidentified", "Mail [MAIL], 500 mg")


def test_pages_and_filters(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address)
    ids = [give(url, {**PLAIN, "patient": f"p-{n % 2}"}).json()["id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = httpx.get(f"{url}{FEEDBACK}", params=params).json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert (seen, cursor) == (ids[::-1], None)
    assert [line.id for line in exported(url, params={"patient": "p-1"})] == ids[1::2]


def test_one_idempotency_key_is_one_feedback(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address)
    key = {"idempotency-key": "click-1"}
    first, again = give(url, PLAIN, headers=key), give(url, PLAIN, headers=key)
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    other = give(url, {**PLAIN, "preferred": "draft"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert len(exported(url)) == 1


def test_erasure_by_id_patient_and_age(serve: Serve, address: str) -> None:
    url = serve(feedback_database=address)
    first, second, third = (give(url, {**PLAIN, "patient": f"p-{n}"}).json() for n in range(3))
    done = httpx.delete(f"{url}{FEEDBACK}/{first['id']}", timeout=30)
    assert done.json() == {"object": "feedback.erasure", "erased": 1, "cleared": True}
    assert httpx.delete(f"{url}{FEEDBACK}/{first['id']}").status_code == 404
    assert httpx.delete(f"{url}{FEEDBACK}", params={"patient": "p-1"}, timeout=30).json()["erased"] == 1
    assert [line.id for line in exported(url)] == [third["id"]]
    assert httpx.delete(f"{url}{FEEDBACK}", params={"before": f"{time.time() + 60}"}, timeout=30).json()["erased"] == 1
    assert httpx.delete(f"{url}{FEEDBACK}", params={"patient": "p-1"}).json()["erased"] == 0
    assert second["id"] not in httpx.get(f"{url}{FEEDBACK}").text


@pytest.mark.parametrize("query", ["", "?patient=p&before=1", "?patiant=p-1", "?before=soon"])
def test_nothing_is_erased_by_a_query_that_is_not_understood(serve: Serve, tmp_path: Path, query: str) -> None:
    url = serve(feedback_database=f"sqlite:///{tmp_path}/f.db")
    give(url, {**PLAIN, "patient": "p-1"})
    assert httpx.delete(f"{url}{FEEDBACK}{query}").status_code == 400
    assert len(exported(url)) == 1


def test_a_key_sees_its_own_clients_feedback_and_a_key_of_the_settings_all(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    ward, clinic = (key_with(file, "feedback", client=client) for client in ("ward", "clinic"))
    url = serve(key_file=file, api_keys=("everything",), feedback_database=f"sqlite:///{tmp_path}/f.db")
    every = {"authorization": "Bearer everything"}
    mine, theirs = (give(url, {**PLAIN, "patient": "p-1"}, headers=key).json() for key in (ward, clinic))
    assert (mine["client"], give(url, PLAIN, headers=every).json()["client"]) == ("ward", None)
    assert [line.id for line in exported(url, headers=ward)] == [mine["id"]]
    assert len(exported(url, headers=every)) == 3
    assert httpx.get(f"{url}{FEEDBACK}/{theirs['id']}", headers=ward).status_code == 404
    assert httpx.delete(f"{url}{FEEDBACK}/{theirs['id']}", headers=ward).status_code == 404
    assert httpx.delete(f"{url}{FEEDBACK}?patient=p-1", headers=ward).json()["erased"] == 1
    assert [line.client for line in exported(url, headers=every)] == ["clinic", None]


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"preferred": "both"}, "preferred"),
        ({"own_edit": "x"}, None),
        ({"preferred": "own_edit"}, None),
        ({"reviewer": {"role": "oracle", "pseudonym": "r"}}, "reviewer.role"),
        ({"reviewer": {"role": "nurse", "pseudonym": "Jo Doe"}}, "reviewer.pseudonym"),
        ({"patient": "Jo Doe, born 1981"}, "patient"),
        ({"verdicts": [{"criterion": 1, "met": "no"}]}, "verdicts.0.met"),
        ({"verdicts": [{"criterion": 2, "met": True}], "revision": SEEN}, None),
        ({"rubric": [{"action": "add", "points": 3}]}, None),
        ({"rubric": [{"action": "add", "text": "x", "points": 11}]}, "rubric.0.add.points"),
        ({"revision": {**SEEN, "id": "rev-2"}}, None),
        ({"note": "a\x00b"}, "note"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_does_not_agree_is_refused(url: str, changed: dict[str, Any], param: str | None) -> None:
    answer = give(url, {**PLAIN, **changed})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u202egnp.exe \u2066 \u200b\ufeff",
    "'; DROP TABLE feedback; --",
    "{{7*7}} ${jndi:ldap://x} %s %n",
    "w" * 100_000,
    "\U0001f9d1\u200d\u2695\ufe0f" * 1000,
    '\r\n\r\n{"id": "forged"}\n\u2028\u2029\u0085\x0b',
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_content_is_kept_as_data(serve: Serve, address: str, text: str) -> None:
    url = serve(feedback_database=address, feedback_content=True)
    body = {**PLAIN, "preferred": "own_edit", "own_edit": text, "note": text, "revision": {**SEEN, "answer": text}}
    answer = give(url, body)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line,) = exported(url)
    assert line.revision is not None
    assert (line.note, line.own_edit, line.revision.answer) == (text, text, text)


def test_what_is_too_long_is_named(url: str) -> None:
    answer = give(url, {**PLAIN, "note": "x" * 200_001})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (422, "too_long", "note")
    assert "200000" in error["message"]
    assert give(url, {**PLAIN, "note": "x" * 5_000_000}).status_code == 413


def test_feedback_can_be_off(serve: Serve) -> None:
    url = serve(feedback_database="off")
    answers = [give(url, PLAIN), httpx.get(f"{url}{FEEDBACK}"), httpx.delete(f"{url}{FEEDBACK}/fb-1")]
    assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(404, "feedback_off")}


def test_a_gateway_that_may_not_write_starts_and_says_so(serve: Serve) -> None:
    url = serve(feedback_database="sqlite:////proc/preceptor/feedback.db")
    assert httpx.get(f"{url}/healthz").status_code == 200
    answer = give(url, PLAIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "feedback_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert value(url, "preceptor_feedback_failures_total", reason="unavailable") >= 1


def test_no_file_is_made_before_the_first_feedback(serve: Serve, tmp_path: Path) -> None:
    url = serve(feedback_database=f"sqlite:///{tmp_path}/state/f.db", feedback_retention_days=1)
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert not (tmp_path / "state").exists()
    give(url, PLAIN)
    assert (tmp_path / "state" / "f.db").exists()


def test_a_servers_old_schema_is_named_until_the_operator_migrates(serve: Serve, postgres: Postgres) -> None:
    address = asyncio.run(postgres.new_database())
    url = serve(feedback_database=address)
    answer = give(url, PLAIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "feedback_schema")
    assert "preceptor feedback migrate" in answer.json()["error"]["message"]
    command = [sys.executable, "-m", "service", "feedback"]
    env = {**os.environ, "PRECEPTOR_FEEDBACK_DATABASE": address}
    for action, told in (("status", "schema none, newest 0002\n"), ("migrate", "schema 0002, newest 0002\n")):
        done = subprocess.run([*command, action], env=env, capture_output=True, text=True, check=True)
        assert done.stdout == told
    assert give(url, PLAIN).status_code == 201
    httpx.get(f"{url}{FEEDBACK}")
    done = subprocess.run([*command, "audit"], env=env, capture_output=True, text=True, check=True)
    (row,) = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (row["actor"], row["action"], row["rows"]) == ("anybody", "list", 1)
