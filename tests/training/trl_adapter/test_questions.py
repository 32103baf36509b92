import json
from pathlib import Path

import pytest

from training.data.files import FaultyRow
from training.runs.folder import RunError
from training.trl_adapter.questions import Graded, Question, read_questions

EXAMPLES = Path("training/data/examples")


def healthbench(prompt_id: str, points: float = 5) -> dict[str, object]:
    return {
        "example_tags": [],
        "prompt": [{"role": "user", "content": "My head hurts."}],
        "prompt_id": prompt_id,
        "rubrics": [{"criterion": "Asks since when", "points": points, "tags": ["axis:completeness"]}],
    }


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_healthbench_rows_become_questions_with_their_axes(tmp_path: Path) -> None:
    [question] = read_questions(write(tmp_path / "r.jsonl", healthbench("a")), rubrics=True)
    prompt = ({"role": "user", "content": "My head hurts."},)
    assert question == Question("a", prompt, (Graded("Asks since when", 5.0, "completeness"),))


def test_health_rubrics_give_the_edited_rubric() -> None:
    [question] = read_questions(EXAMPLES / "health_rubric.jsonl", rubrics=True)
    row = json.loads((EXAMPLES / "health_rubric.jsonl").read_text(encoding="utf-8"))
    assert [(c.text, c.points) for c in question.criteria_K] == [
        (c["criterion"], c["points"]) for c in row["edited_rubric"]
    ]


def test_queries_do_where_no_rubric_is_needed() -> None:
    assert all(q.criteria_K == () for q in read_questions(EXAMPLES / "query.jsonl", rubrics=False))
    with pytest.raises(RunError, match="kind query hold no rubrics"):
        read_questions(EXAMPLES / "query.jsonl", rubrics=True)


def test_another_kind_of_row_is_refused() -> None:
    with pytest.raises(RunError, match="kind judge_label hold no questions"):
        read_questions(EXAMPLES / "judge_label.jsonl", rubrics=False)


def test_a_rubric_without_positive_points_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", healthbench("a"), healthbench("b", points=-5))
    with pytest.raises(FaultyRow, match=r"r\.jsonl:2: rubrics: has no criterion with positive points"):
        read_questions(path, rubrics=True)


def test_an_id_that_repeats_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the id 'a' stands for 2 questions"):
        read_questions(write(tmp_path / "r.jsonl", healthbench("a"), healthbench("a")), rubrics=True)
