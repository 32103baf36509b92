import math
from typing import Any

import httpx
import pytest

from training.miniclinic.evaluate import ARMS, Judged, Result, evaluate, nearest_in_length, summary
from training.miniclinic.gateway import Gateway, GatewayError, connect
from training.miniclinic.knowledge import load_knowledge


def result(seed: int, draft: float, guided: float, outcome: str = "revised") -> Result:
    return Result(
        seed=seed,
        question="?",
        answers=dict.fromkeys(ARMS, "two words"),
        scores={"draft": draft, "guided": guided, "no_principles": draft, "length_matched": draft},
        verdicts=(Judged("A", True, True), Judged("B", False, True), Judged("C", False, False)),
        unknown_criteria=1,
        unscored=0,
        outcome=outcome,
        edits=2,
        applied=1,
        principles_cited=3,
        criteria=4,
    )


def test_summary_counts_and_averages() -> None:
    figures = summary([result(1, 0.5, 1.0), result(2, 0.5, 0.25), result(3, 0.5, 0.5, "accepted")])
    assert (figures["n"], figures["draft"], figures["guided"]) == (3, 0.5, pytest.approx(1.75 / 3))
    assert figures["guided_minus_draft"] == pytest.approx(0.25 / 3)
    assert figures["guided_minus_draft_ci"][0] <= 0.25 / 3 <= figures["guided_minus_draft_ci"][1]
    assert figures["worse_share"] == pytest.approx(1 / 3)
    assert figures["accepted_share"] == pytest.approx(1 / 3)
    assert figures["verdict_accuracy"] == pytest.approx(2 / 3)
    assert figures["verdict_f1"] == pytest.approx(2 / 3)
    assert figures["edits_applied_share"] == 0.5
    assert (figures["criteria"], figures["criteria_unknown"]) == (12, 3)
    assert not any(isinstance(value, float) and math.isnan(value) for value in figures.values())


def test_the_control_is_the_answer_nearest_in_length() -> None:
    assert nearest_in_length("a b c d", ["a", "a b c", "a b c d e", "a b c d e f g"]) == "a b c"


async def test_a_case_is_scored_exactly_and_its_verdicts_compared_with_the_truth() -> None:
    knowledge = load_knowledge()
    said = knowledge.items["headache.act"]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/chat/completions":
            return httpx.Response(200, json={"choices": [{"message": {"content": said.answer[0]}}] * 8})
        criterion: dict[str, Any] = {
            "text": said.criterion[0], "points": 5, "principle": None,
            "before": {"probability": 0.9, "met": True, "satisfied": True}, "after": None,
        }  # fmt: skip
        unknown = {**criterion, "text": "Nobody wrote this"}
        unscored = {**criterion, "before": {"probability": None, "met": None, "satisfied": None}}
        body = {
            "draft": "Nonsense here.",
            "answer": said.answer[0],
            "outcome": "revised",
            "edits": [{"accepted": True}],
        }
        return httpx.Response(200, json={**body, "criteria": [criterion, unknown, unscored]})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://gateway", transport=transport) as client:
        [found] = await evaluate(Gateway(client, "plain"), knowledge, 1, temperature=0.8, concurrent=1)
    assert found.verdicts == (Judged(said.criterion[0], True, False),)
    assert (found.unknown_criteria, found.unscored, found.criteria) == (1, 1, 3)
    assert (found.edits, found.applied, found.principles_cited) == (1, 1, 0)
    assert found.scores["draft"] < 0
    assert found.answers["length_matched"] == said.answer[0]


async def test_an_absent_gateway_is_named() -> None:
    with pytest.raises(GatewayError, match="make serve"):
        async with connect("http://127.0.0.1:9"):
            pass
