import json
from pathlib import Path

import pytest

from training.data.files import FaultyRow
from training.methods.counterparts import Counterpart, Counterparts
from training.runs.folder import RunError
from training.trl_adapter.counterpart_store import CounterpartStore, load_counterparts

ROW = Counterparts("a", (Counterpart("hasty", "Rest."), Counterpart("careful", "See a doctor \u2028 today.", 2)))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    CounterpartStore({"a": ROW}).save(tmp_path / "c.jsonl")
    assert load_counterparts(tmp_path / "c.jsonl").of("a") == ROW


def test_a_refreshed_row_takes_the_old_ones_place(tmp_path: Path) -> None:
    store = CounterpartStore({"a": ROW})
    store.put(ROW.refreshed(["hasty"], "Better."))
    store.save(tmp_path / "c.jsonl")
    [first, second] = load_counterparts(tmp_path / "c.jsonl").of("a").answers_C
    assert (first.answer, first.refreshes, second) == ("Better.", 1, ROW.answers_C[1])


def test_a_prompt_without_counterparts_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"c\.jsonl: no counterparts for 1 prompts, among them 'b'"):
        CounterpartStore({"a": ROW}).require(["a", "b"], tmp_path / "c.jsonl")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        (json.dumps({"prompt_id": "a", "counterparts": []}), "at least 1 item"),
        (json.dumps({"prompt_id": "a", "counterparts": [{"label": "x", "answer": "A."}] * 2}), "another counterpart"),
        (json.dumps({"prompt_id": "a", "counterparts": [{"label": "x", "answer": ""}]}), "no visible character"),
    ],
)
def test_a_faulty_row_is_named_with_file_and_line(tmp_path: Path, line: str, fault: str) -> None:
    good = json.dumps({"prompt_id": "z", "counterparts": [{"label": "x", "answer": "Rest."}]})
    (tmp_path / "c.jsonl").write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(FaultyRow, match=rf"c\.jsonl:2: .*{fault}"):
        load_counterparts(tmp_path / "c.jsonl")


def test_a_prompt_given_twice_is_named(tmp_path: Path) -> None:
    CounterpartStore({"a": ROW}).save(tmp_path / "c.jsonl")
    path = tmp_path / "c.jsonl"
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(RunError, match=r"c\.jsonl:2: prompt 'a' has counterparts already"):
        load_counterparts(path)
