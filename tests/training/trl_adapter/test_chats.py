import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.registry import REPOSITORY
from service.revision.prompts import load_prompts
from tests.training.trl_adapter.supervised import chat, write_lines
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.runs.folder import RunError
from training.trl_adapter.chats import read_conversations, read_labels, verdict_conversation

EXAMPLES = REPOSITORY / "training" / "data" / "examples"


def example(name: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((EXAMPLES / name).read_text().splitlines()[0])
    return row


def test_a_chat_is_learnt_in_every_turn_unless_it_says_otherwise(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "chats.jsonl", [chat(2), chat(3) | {"last_turn_only": True}])
    read = read_conversations(path)
    assert [(row.id, row.last_turn_only) for row in read.rows] == [("chat-2", False), ("chat-3", True)]
    assert read.rows[0].messages == (
        {"role": "user", "content": "Count in steps of 2."},
        {"role": "assistant", "content": "2 4 6"},
    )
    assert read.ties == 0


def test_the_preferred_candidate_is_learnt_and_ties_are_counted(tmp_path: Path) -> None:
    row = example("health_rubric.jsonl")
    rows = [row, row | {"id": "hr-2", "preference": "b"}, row | {"id": "hr-3", "preference": "tie"}]
    read = read_conversations(write_lines(tmp_path / "rubrics.jsonl", rows))
    texts = {candidate["id"]: candidate["text"] for candidate in row["candidates"]}
    assert [made.messages[-1] for made in read.rows] == [
        {"role": "assistant", "content": texts["a"]},
        {"role": "assistant", "content": texts["b"]},
    ]
    assert [dict(message) for message in read.rows[0].messages[:-1]] == row["prompt"]
    assert all(made.last_turn_only for made in read.rows)
    assert read.ties == 1


def test_nothing_but_ties_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "rubrics.jsonl", [example("health_rubric.jsonl") | {"preference": "tie"}])
    with pytest.raises(RunError, match=f"^{re.escape(str(path))}: nothing to learn: 1 rows, all of them ties$"):
        read_conversations(path)


def test_a_label_becomes_the_services_own_question_and_one_word() -> None:
    met, unmet = read_labels(EXAMPLES / "judge_label.jsonl")
    for name in ("compact", "full"):
        prompts = load_prompts(name)
        made = verdict_conversation(met, prompts)
        asked = prompts.verdict([message.model_dump() for message in met.prompt], met.answer, met.criterion)
        assert [dict(message) for message in made.messages[:-1]] == [dict(message) for message in asked]
        assert made.messages[-1] == {"role": "assistant", "content": "yes"}
        assert verdict_conversation(unmet, prompts).messages[-1]["content"] == "no"
        assert made.last_turn_only


USER, ASSISTANT = ({"role": role, "content": "Ten."} for role in ("user", "assistant"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": [USER]}, "2: messages: should end with the assistant, whose turns are learnt [roles]"),
        ({"messages": []}, "2: messages: "),
        ({"messages": [USER, USER]}, "2: messages: should end with the assistant, whose turns are learnt [roles]"),
        ({"messages": [ASSISTANT]}, "2: messages.0.role: should be user: nobody has asked anything here [roles]"),
        ({"messages": [USER, ASSISTANT, ASSISTANT]}, "2: messages.2.role: should be user: nobody has asked"),
        (
            {"messages": [USER, {"role": "assistant", "content": " "}]},
            "2: messages.1.content: has no visible character",
        ),
        ({"messages": [USER, {"role": "tool", "content": "x"}]}, "2: messages.1.role: "),
        ({"extra": 1}, "2: extra: this kind has no such field [unknown_field]"),
        ({"last_turn_only": "yes"}, "2: last_turn_only: should be true or false, found text [wrong_type]"),
    ],
)
def test_a_malformed_row_is_named_by_file_line_and_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write_lines(tmp_path / "chats.jsonl", [chat(2), chat(3) | change])
    with pytest.raises(FaultyRow) as caught:
        read_conversations(path)
    assert f"{path}:{message}" in str(caught.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "chats.jsonl", [chat(2)])
    path.write_text(path.read_text() + '{"id": \n')
    with pytest.raises(FaultyRow, match=f"^{re.escape(str(path))}:2: row: not JSON"):
        read_conversations(path)


def test_rows_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "queries.jsonl", [example("query.jsonl")])
    with pytest.raises(RunError) as caught:
        read_conversations(path)
    assert str(caught.value).startswith(
        f"{path}: none of the first 1000 rows has the fields of a chat (id, messages) or"
    )
    with pytest.raises(FaultyRow, match=r":1: answer: is missing \[missing_field\]"):
        read_labels(path)


def test_ids_that_repeat_and_empty_files_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "chats.jsonl", [chat(2), chat(2)])
    with pytest.raises(RunError, match=f"^{re.escape(str(path))}: the id 'chat-2' is there more than once$"):
        read_conversations(path)
    label = example("judge_label.jsonl")
    with pytest.raises(RunError, match="the id 'j-1' is there more than once"):
        read_labels(write_lines(tmp_path / "labels.jsonl", [label, label]))
    with pytest.raises(RunError, match=r"empty\.jsonl: no labels$"):
        read_labels(write_lines(tmp_path / "empty.jsonl", []))
    with pytest.raises(UnreadableFile, match=r"absent\.jsonl: No such file"):
        read_conversations(tmp_path / "absent.jsonl")
