from pathlib import Path

import pytest

from tests.training.synthesise.queries import write_queries
from training.synthesise.cli import main
from training.synthesise.cluster import WAVE_ROWS, block_rows, waves

ENGINE = ["--engine-url", "http://127.0.0.1:9", "--model", "m"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no engine at http://127.0.0.1:9"),
        (["--concurrent", "0"], "engines.concurrent: Input should be greater than 0"),
        (["--actors", "40"], "32 concurrent requests leave some of 40 actors none"),
        (["--ray-address", "x:1", "--cpus", "4"], "cpus are for a Ray of our own"),
        (["--max-failed-share", "2"], "max_failed_share: Input should be less than or equal to 1"),
        (["--corpus", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = tmp_path / "queries.jsonl"
    write_queries(queries, 1)
    assert main([str(queries), "--out", str(tmp_path / "out"), *ENGINE, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.jsonl", None, "No such file or directory"),
        ("empty.jsonl", "", "holds no row"),
        ("rubrics.csv", "x", "the suffix '.csv' is none of"),
        ("queries.jsonl", '{"id": "q 1", "prompt": [{"role": "user", "content": "x"}]}\n', "queries.jsonl:1: id: "),
    ],
)
def test_a_bad_input_is_named(
    name: str, content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    assert main([str(tmp_path / name), "--out", str(tmp_path / "out"), *ENGINE]) == 2
    assert said in capsys.readouterr().err


def test_a_filter_needs_sound_rubrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rubrics = tmp_path / "rubrics.jsonl"
    write_queries(rubrics, 1)
    assert main(["filter", str(rubrics), "--out", str(tmp_path / "kept.jsonl"), "--judge", "engine", *ENGINE]) == 2
    assert f"{rubrics}:1: row: is a query by its fields" in capsys.readouterr().err


def test_waves_hold_every_row_once() -> None:
    rows = [(line, "x") for line in range(1, 2 * WAVE_ROWS + 4)]
    cut = list(waves(rows))
    assert [len(wave) for wave in cut] == [WAVE_ROWS, WAVE_ROWS, 3]
    assert [row for wave in cut for row in wave] == rows
    assert [len(wave) for wave in waves([(1, "x" * 2**26), (2, "y")])] == [1, 1]
    assert list(waves([])) == []


@pytest.mark.parametrize(("concurrent", "rows"), [(1, 1), (4, 1), (5, 2), (32, 8), (1000, 250)])
def test_blocks_are_small_and_keep_requests_busy(concurrent: int, rows: int) -> None:
    assert block_rows(concurrent) == rows
