from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import TypeAdapter

from service.revision.feedback import RubricEdit, VerdictCorrection
from training.flywheel.collect import Reviewed, collect, feedback_body, read_journal, reviewers_of, shares
from training.flywheel.settings import Collection, SimulatedReviewer, load_config
from training.miniclinic.cases import make_case
from training.miniclinic.gateway import GatewayError
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.reviewer import AddedCriterion, Review, Verdict

KNOWLEDGE = load_knowledge()
REVIEWERS = tuple(SimulatedReviewer(name=f"r{n}", noise=0.0, slips=0.0) for n in range(3))
SETTINGS = Collection(first=10, revisions=6, concurrent=2, twice=0.5, per_patient=2, reviewers=REVIEWERS)
REVISION = {"id": "rev-1", "draft": "Hello.", "answer": "Hello.", "criteria": [], "outcome": "accepted"}


def test_every_configuration_is_read() -> None:
    for name in ("miniclinic", "smoke"):
        config = load_config(Path(f"training/configs/flywheel/{name}.toml"))
        assert config.recipe("judge").is_file()
        assert config.recipe("policy").is_file()
    assert load_config(Path("training/configs/flywheel/miniclinic.toml")).collection.revisions == 2000


def test_cases_have_one_reviewer_or_two_that_differ() -> None:
    chosen = [reviewers_of(seed, SETTINGS) for seed in range(2000)]
    assert {len(found) for found in chosen} == {1, 2}
    assert all(len({one.name for one in found}) == len(found) for found in chosen)
    assert sum(len(found) == 2 for found in chosen) / 2000 == pytest.approx(0.5, abs=0.04)
    assert reviewers_of(7, SETTINGS) == reviewers_of(7, SETTINGS)


def test_a_review_becomes_a_body_of_the_api() -> None:
    found = Review("own_edit", "Better.", (Verdict(1, "draft", True),), (AddedCriterion("Asks", 3),), (2,))
    body = feedback_body(make_case(KNOWLEDGE, 1, "train"), REVISION, found, "r1", "patient-0")
    assert TypeAdapter(list[RubricEdit]).validate_python(body["rubric"])
    assert TypeAdapter(list[VerdictCorrection]).validate_python(body["verdicts"])
    assert (body["own_edit"], body["revision_id"], body["preferred"]) == ("Better.", "rev-1", "own_edit")
    assert "own_edit" not in feedback_body(
        make_case(KNOWLEDGE, 1, "train"), REVISION, Review("draft", None, (), (), ()), "r1", "patient-0"
    )


def answering(feedback: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "preceptor"}, {"id": "plain"}]})
        return httpx.Response(200, json=REVISION) if request.url.path == "/v1/revisions" else feedback(request)

    return httpx.MockTransport(answer)


def given(monkeypatch: pytest.MonkeyPatch, transport: httpx.MockTransport) -> None:
    """Have the gateway's client talk to a transport of this test's own."""
    client = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **known: client(**{**known, "transport": transport}))


def test_a_run_that_was_cut_goes_on_and_gives_nothing_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys: list[str] = []

    def feedback(request: httpx.Request) -> httpx.Response:
        key = request.headers["idempotency-key"]
        if key in keys:
            return httpx.Response(409, json={"error": {"code": "idempotency_conflict"}})
        keys.append(key)
        return httpx.Response(201, json={})

    given(monkeypatch, answering(feedback))
    journal = tmp_path / "reviewed.jsonl"
    first = collect("http://gateway", KNOWLEDGE, SETTINGS, 0.8, journal)
    assert [row.seed for row in first] == list(range(10, 16))
    lines = journal.read_text(encoding="utf-8").splitlines()
    journal.write_text("\n".join(lines[:3]) + "\n" + lines[3][:20], encoding="utf-8")
    assert [row.seed for row in collect("http://gateway", KNOWLEDGE, SETTINGS, 0.8, journal)] == list(range(10, 16))
    assert len(keys) == len(set(keys)) == sum(len(reviewers_of(seed, SETTINGS)) for seed in range(10, 16))


@pytest.mark.parametrize("status", [404, 503])
def test_feedback_that_is_not_taken_ends_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int) -> None:
    given(monkeypatch, answering(lambda _: httpx.Response(status, json={"error": {"code": "feedback_off"}})))
    with pytest.raises(GatewayError, match=f"HTTP {status}"):
        collect("http://gateway", KNOWLEDGE, SETTINGS, 0.8, tmp_path / "reviewed.jsonl")
    assert read_journal(tmp_path / "reviewed.jsonl") == []


def test_shares_are_of_all_that_was_said() -> None:
    rows = [Reviewed(1, "revised", 0.2, 0.9, ("revision", "draft")), Reviewed(2, "revised", 0.2, 0.9, ("revision",))]
    assert shares(rows)["revision"] == pytest.approx(2 / 3)
    assert shares([]) == {}
