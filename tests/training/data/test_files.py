import errno
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from tests.training.data.rows import EXAMPLES, example
from training.data.files import FaultyRow, raw_rows, read_records, write_records
from training.data.healthbench import HealthBenchRow
from training.data.jsonl import UnreadableFile
from training.data.kinds import KINDS
from training.data.queries import Query


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_records_come_back_as_they_were_written(kind: str, suffix: str, tmp_path: Path) -> None:
    record = KINDS[kind].record
    records = list(read_records(EXAMPLES / f"{kind}.jsonl", record))
    path = tmp_path / f"rows{suffix}"
    assert write_records(path, records, record) == len(records) > 0
    assert list(read_records(path, record)) == records
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_parquet_streams_in_batches_and_numbers_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "queries.parquet"
    prompt = example("query")["prompt"]
    queries = (Query.model_validate({"id": f"q-{n}", "prompt": prompt}) for n in range(1, 1201))
    assert write_records(path, queries, Query) == 1200
    found = list(raw_rows(path))
    assert [row.line for row in found] == list(range(1, 1201))
    assert found[599].value["id"] == "q-600"
    assert (found[599].share, found[-1].share) == (0.5, 1.0)


def test_in_parquet_a_null_field_is_absent_and_a_null_item_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    row = example("healthbench") | {"example_tags": ["theme:hedging", None]}
    del row["ideal_completions_data"]
    pq.write_table(pa.Table.from_pylist([row, {**row, "prompt_id": None}]), path)
    with pytest.raises(FaultyRow) as raised:
        list(read_records(path, HealthBenchRow))
    assert [(fault.line, fault.kind, fault.field) for fault in raised.value.faults] == [
        (1, "wrong_type", "example_tags.1")
    ]
    assert "prompt_id" not in list(raw_rows(path))[1].value


def test_not_a_number_in_parquet_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    row = example("healthbench")
    del row["ideal_completions_data"]
    row["rubrics"] = [criterion | {"points": float("nan")} for criterion in row["rubrics"]]
    pq.write_table(pa.Table.from_pylist([row]), path)
    with pytest.raises(FaultyRow, match=r"rows\.parquet:1: rubrics\.0\.points: .* \[not_finite\]"):
        list(read_records(path, HealthBenchRow))


def test_reading_ends_at_the_first_faulty_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = (EXAMPLES / "query.jsonl").read_text().splitlines()[0]
    path.write_text(f'{good}\n{{"id": "q-9", "prompt": []}}\n{good}\n')
    records = read_records(path, Query)
    assert next(records).id == "q-1"
    with pytest.raises(FaultyRow, match=r"rows\.jsonl:2: prompt: .* \[too_few\]"):
        next(records)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", b"a,b", "the suffix '.csv' is none of .jsonl, .ndjson, .parquet"),
        ("rows.parquet", b"PAR1 but not really", "not readable as Parquet"),
        ("absent/rows.jsonl", None, "No such file"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=message) as raised:
        list(raw_rows(path))
    assert str(path) in str(raised.value)


def test_a_parquet_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    bad = pa.array([b"ok", b"\xff"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"id": bad}), path)
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        list(raw_rows(path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(UnreadableFile, match="Is a directory"):
        list(raw_rows(tmp_path / "rows.jsonl"))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    record = Query.model_validate(example("query"))
    write_records(path, [record], Query)

    def full_disk() -> Iterator[Query]:
        yield record
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_records(path, full_disk(), Query)
    assert list(read_records(path, Query)) == [record]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_no_other_format_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no known format"):
        write_records(tmp_path / "rows.csv", [], Query)
