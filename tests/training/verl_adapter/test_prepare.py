import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from training.trl_adapter.questions import read_questions
from training.verl_adapter.prepare import main, question_of

EXAMPLES = Path(__file__).parents[3] / "training" / "data" / "examples"


def read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("kind", ["healthbench", "health_rubric"])
def test_rubrics_become_verls_rows_and_come_back_as_they_were(kind: str, tmp_path: Path) -> None:
    source, out = EXAMPLES / f"{kind}.jsonl", tmp_path / "train.parquet"
    assert main([str(source), str(out), "--split", "train"]) == 0
    questions, rows = read_questions(source, rubrics=True), read(out)
    assert [question_of(row["prompt"], row["reward_model"], row["extra_info"]) for row in rows] == questions
    assert rows[0]["reward_model"]["style"] == "rubric"
    assert rows[0]["extra_info"] == {"index": 0, "id": questions[0].id, "split": "train"}
    assert (rows[0]["data_source"], rows[0]["ability"]) == ("preceptor", "medicine")


def test_bare_questions_need_no_rubric(tmp_path: Path) -> None:
    out = tmp_path / "train.parquet"
    arguments = [str(EXAMPLES / "query.jsonl"), str(out), "--split", "validation", "--data-source", "clinic"]
    assert main(arguments) == 1
    assert main([*arguments, "--bare"]) == 0
    row = read(out)[0]
    assert (row["reward_model"]["rubrics"], row["extra_info"]["split"], row["data_source"]) == (
        [],
        "validation",
        "clinic",
    )


def test_a_question_without_counterparts_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counterparts, out = tmp_path / "counterparts.jsonl", tmp_path / "train.parquet"
    counterparts.write_text(
        json.dumps({"prompt_id": "q-0", "counterparts": [{"label": "m", "answer": "Rest."}]}) + "\n"
    )
    query = ["--split", "train", "--bare", "--counterparts", str(counterparts)]
    assert main([str(EXAMPLES / "query.jsonl"), str(out), *query]) == 1
    assert f"{counterparts}: no counterparts for 2 prompts, among them 'q-1'" in capsys.readouterr().err
    assert not out.exists()


def test_a_faulty_row_is_named_and_the_last_file_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "rows.jsonl", tmp_path / "train.parquet"
    out.write_bytes(b"the last one")
    row = json.loads((EXAMPLES / "healthbench.jsonl").read_text().splitlines()[0])
    row["rubrics"] = [criterion | {"points": -1} for criterion in row["rubrics"]]
    source.write_text(json.dumps(row) + "\n")
    assert main([str(source), str(out), "--split", "train"]) == 1
    assert f"{source}:1: rubrics: has no criterion with positive points" in capsys.readouterr().err
    assert out.read_bytes() == b"the last one"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "absent" / "train.parquet"
    assert main([str(EXAMPLES / "healthbench.jsonl"), str(out), "--split", "train"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {out}: ")
    assert "No such file or directory" in said
