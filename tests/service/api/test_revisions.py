from typing import Any

import httpx
import orjson
import pytest

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import CRITERION, DRAFT, EDIT, ENGINE_MODEL, REVISED, Script
from tests.service.api.serving import eventually

QUESTION = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]


def revise(url: str, **fields: Any) -> httpx.Response:
    return httpx.post(f"{url}/v1/revisions", json={"messages": QUESTION, **fields}, timeout=20)


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    assert blocks[-1] == "data: [DONE]"
    pairs = [block.removeprefix("event: ").split("\ndata: ", 1) for block in blocks[:-1]]
    return [(name, orjson.loads(content)) for name, content in pairs]


def test_a_revision_tells_all_that_led_to_it(url: str) -> None:
    response = revise(url)
    found = response.json()
    assert (found["object"], found["model"], found["outcome"]) == ("revision", "preceptor", "revised")
    assert (found["draft"], found["answer"]) == (DRAFT, REVISED)
    assert response.headers["x-preceptor-outcome"] == "revised"
    assert set(found["scenario"]) == {"urgency", "uncertainty", "expertise", "task_type"}
    assert all(0 < row["confidence"] <= 1 for row in found["scenario"].values())
    assert found["edits"] == [
        {
            "criterion": 1,
            "operation": "insert_after",
            "number": 1,
            "text": EDIT["text"],
            "accepted": True,
            "reason": None,
        }
    ]
    criterion = found["criteria"][0]
    assert (criterion["text"], criterion["points"], criterion["number"]) == (CRITERION, 9, 1)
    assert criterion["principle"] == found["principles"][0]["id"]
    assert criterion["before"] == {"probability": pytest.approx(0.04), "met": False, "satisfied": False}
    assert criterion["after"] == {"probability": pytest.approx(0.97), "met": True, "satisfied": True}


def test_principles_come_with_what_they_rest_on(url: str) -> None:
    principles = revise(url, options={"top_k": 3}).json()["principles"]
    assert len(principles) == 3
    assert all(
        set(row) == {"id", "similarity", "dimension", "title", "statement", "basis", "review"} for row in principles
    )
    similarities = [row["similarity"] for row in principles]
    assert similarities == sorted(similarities, reverse=True)


def test_usage_is_told_in_total_and_per_step(url: str) -> None:
    found = revise(url).json()
    usage = found["usage"]
    assert sorted(step["step"] for step in usage["steps"]) == ["check", "draft", "edit", "rubric", "verdict"]
    assert usage["prompt_tokens"] == sum(step["prompt_tokens"] for step in usage["steps"]) == 500
    assert usage["completion_tokens"] == sum(step["completion_tokens"] for step in usage["steps"])
    assert found["prompts"].startswith("full@")
    assert found["timings_ms"]["total"] >= found["timings_ms"]["draft"] > 0


def test_an_apps_own_draft_is_revised(url: str, script: Script) -> None:
    own = "Drink water. Lie down."
    found = revise(url, draft=own).json()
    assert (found["draft"], found["answer"]) == (own, "Drink water. Call an ambulance now. Lie down.")
    assert "draft" not in script.steps()
    assert found["usage"]["completion_tokens_details"]["reasoning_tokens"] == found["usage"]["completion_tokens"]


def test_a_stream_has_one_event_per_stage(url: str) -> None:
    response = revise(url, stream=True)
    events = events_of(response.text)
    names = [name for name, _ in events]
    assert set(names) == {"draft", "principles", "rubric", "verdict", "edit", "answer", "result"}
    assert names[-1] == "result"
    assert "".join(content["delta"] for name, content in events if name == "draft") == DRAFT
    assert "".join(content["delta"] for name, content in events if name == "answer") == REVISED
    verdicts = [(content["check"], content["satisfied"]) for name, content in events if name == "verdict"]
    assert verdicts == [(False, False), (True, True)]
    result = events[-1][1]
    assert result["answer"] == REVISED
    assert set(result) == set(revise(url).json())


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"messages": []}, 400, "messages"),
        ({"draft": ""}, 400, "draft"),
        ({"colour": 1}, 400, "colour"),
        ({"options": {"stages": True}}, 400, "options.stages"),
        ({"options": {"principles": "some"}}, 400, "options.principles"),
        ({"model": ENGINE_MODEL}, 404, "model"),
    ],
)
def test_wrong_requests_name_the_field(url: str, fields: dict[str, Any], status: int, param: str) -> None:
    response = revise(url, **fields)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


def test_an_unreadable_rubric_degrades_by_name(url: str, script: Script) -> None:
    script.rubric = "no rubric"
    found = revise(url).json()
    assert (found["outcome"], found["reason"], found["answer"]) == ("degraded", "rubric_unreadable", DRAFT)


@pytest.mark.parametrize("stream", [False, True])
def test_a_strict_request_is_refused_rather_than_degraded(url: str, script: Script, stream: bool) -> None:
    script.rubric = "no rubric"
    response = revise(url, options={"strict": True}, stream=stream)
    if stream:
        error = events_of(response.text.replace('data: {"error"', 'event: error\ndata: {"error"'))[-1][1]["error"]
    else:
        assert response.status_code == 503
        error = response.json()["error"]
    assert (error["type"], error["code"]) == ("revision_error", "rubric_unreadable")


def test_a_request_cannot_lengthen_the_deadline(serve: Serve, script: Script) -> None:
    script.gap_s = 0.2
    found = revise(serve(deadline_s=0.3), options={"deadline_ms": 60_000}).json()
    assert (found["outcome"], found["reason"]) == ("degraded", "deadline")


def test_a_client_that_leaves_takes_the_engine_calls_with_it(url: str, script: Script) -> None:
    script.gap_s = 10.0
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/revisions", json={"messages": QUESTION}, timeout=httpx.Timeout(5.0, read=0.3))
    eventually(lambda: "draft" in script.steps() and script.open_calls == 0)
