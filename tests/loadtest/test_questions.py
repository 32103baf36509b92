import json
from pathlib import Path

import pytest

from loadtest.questions import Question, QuestionsError, choose, read_questions

ROW = {"id": "q1", "messages": [{"role": "user", "content": "I have a cough."}]}


def test_questions_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n\n{json.dumps({**ROW, 'id': 'q2'})}\n", encoding="utf-8")
    messages = ({"role": "user", "content": "I have a cough."},)
    assert read_questions(path) == [Question("q1", messages), Question("q2", messages)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no questions"),
        (json.dumps(ROW) + "\n{", r"questions\.jsonl:2: not JSON"),
        (json.dumps({"id": 1, "messages": ROW["messages"]}), "needs an id"),
        (json.dumps({"id": "q", "messages": []}), "needs an id"),
        (json.dumps({"id": "q", "messages": ["hello"]}), "needs an id"),
        (f"{json.dumps(ROW)}\n{json.dumps(ROW)}", "not unique"),
    ],
)
def test_a_faulty_file_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QuestionsError, match=complaint):
        read_questions(path)


def test_the_warm_up_takes_other_questions_as_long_as_there_are_any() -> None:
    questions = [Question(str(number), ()) for number in range(10)]
    timed, warmup = choose(questions, requests=7, warmup=2, seed=1)
    assert (len(timed), len(warmup)) == (7, 2)
    assert not {q.id for q in timed} & {q.id for q in warmup}
    assert choose(questions, 7, 2, 1) == (timed, warmup)
    assert choose(questions, 7, 2, 2) != (timed, warmup)


def test_all_questions_may_be_timed_and_warmed_up_with() -> None:
    questions = [Question("a", ()), Question("b", ())]
    timed, warmup = choose(questions, requests=40, warmup=3, seed=0)
    assert sorted(q.id for q in timed) == ["a", "b"]
    assert warmup == timed
