from pathlib import Path

import pytest

from service.revision.edits import parse_edit
from service.revision.prompts import load_prompts
from service.revision.rubric import parse_rubric
from training.data.files import read_records
from training.data.judge_labels import JudgeLabel
from training.data.queries import Query
from training.miniclinic.datasets import (
    cases_of,
    skill_chats,
    write_counterparts,
    write_labels,
    write_queries,
)
from training.miniclinic.knowledge import Knowledge, load_knowledge
from training.miniclinic.scorer import score, verdict
from training.trl_adapter.counterpart_store import load_counterparts

LISTED = [("urgency.x", "Title", "Statement.")]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def test_a_row_s_id_leads_back_to_its_case(knowledge: Knowledge, tmp_path: Path) -> None:
    write_queries(tmp_path / "q.jsonl", knowledge, range(7, 9))
    rows = list(read_records(tmp_path / "q.jsonl", Query))
    assert [row.id for row in rows] == ["train-7", "train-8"]
    for row, (_, case) in zip(rows, cases_of(knowledge, "train", range(7, 9)), strict=True):
        assert [message.content for message in row.prompt] == [message["content"] for message in case.messages]


def test_labels_are_what_the_exact_scorer_says(knowledge: Knowledge, tmp_path: Path) -> None:
    write_labels(tmp_path / "l.jsonl", knowledge, "heldout", range(30))
    labels = list(read_records(tmp_path / "l.jsonl", JudgeLabel))
    assert all(label.met == verdict(knowledge, label.criterion, label.answer) for label in labels)
    share = sum(label.met for label in labels) / len(labels)
    assert 0.3 < share < 0.7
    assert {label.id.split("-")[2] for label in labels} == {"draft", "mistaken"}


def test_counterparts_are_better_the_less_they_leave_out(knowledge: Knowledge, tmp_path: Path) -> None:
    seeds = range(120)
    write_counterparts(tmp_path / "c.jsonl", knowledge, seeds)
    store, means = load_counterparts(tmp_path / "c.jsonl"), {}
    for label in ("mistaken", "hasty", "usual", "careful"):
        scores = []
        for name, case in cases_of(knowledge, "train", seeds):
            [answer] = [c.answer for c in store.of(name).answers_C if c.label == label]
            scores.append(score(knowledge, case, answer).value)
        means[label] = sum(scores) / len(scores)
    assert means["mistaken"] < means["hasty"] < means["usual"] < means["careful"]


def test_every_skill_is_shown_in_the_service_s_own_words(knowledge: Knowledge) -> None:
    prompts = load_prompts("compact")
    chats = dict(skill_chats(knowledge, prompts, lambda _: LISTED, range(20)))
    kinds = {name.split("-")[2] for name in chats}
    assert kinds == {"draft", "rubric", "verdict", "edit"}
    for name, messages in chats.items():
        answer, kind = messages[-1]["content"], name.split("-")[2]
        assert messages[-1]["role"] == "assistant"
        if kind == "rubric":
            assert parse_rubric(answer, ["urgency.x"])
        elif kind == "verdict":
            assert answer in ("yes", "no")
            assert messages[-2]["content"] == prompts.verdict([], "", _criterion(messages))[-1]["content"]
        elif kind == "edit":
            assert parse_edit(answer, 30)


def _criterion(messages: list[dict[str, str]]) -> str:
    """The criterion that a verdict's turn asks about: what varies between two such turns."""
    template = load_prompts("compact").turns["verdict"]
    before, after = template.split("{criterion}")
    turn = messages[-2]["content"]
    return turn[len(before) : len(turn) - len(after)]
