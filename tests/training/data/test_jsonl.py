import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.data import jsonl
from training.data.jsonl import RawRow, UnreadableFile, read_jsonl, walk


def rows(tmp_path: Path, content: bytes) -> list[RawRow]:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    return list(read_jsonl(path))


def faults(tmp_path: Path, line: str) -> list[tuple[str, tuple[str | int, ...]]]:
    (row,) = rows(tmp_path, line.encode())
    assert row.value is None
    return [(str(found.kind), found.path) for found in row.findings]


def test_every_line_is_a_row_with_its_number(tmp_path: Path) -> None:
    found = rows(tmp_path, b'{"a":1}\r\n\n[2]\n"\xe2\x80\xa8"')
    assert [(row.line, row.value) for row in found] == [(1, {"a": 1}), (2, None), (3, [2]), (4, "\u2028")]
    assert [str(finding.kind) for row in found for finding in row.findings] == ["blank_line"]
    assert found[-1].share == 1.0


@pytest.mark.parametrize("line", ["{", "{'a': 1}", "1 2", "\ufeff{}", "[" * 100_000, '{"a": 01}', "1" * 10_000])
def test_what_is_no_json_is_one_fault(tmp_path: Path, line: str) -> None:
    assert faults(tmp_path, line) == [("not_json", ())]


def test_a_number_that_json_lacks_is_named_with_its_place(tmp_path: Path) -> None:
    assert faults(tmp_path, '{"a": [1, NaN], "b": -Infinity}') == [("not_finite", ("a", 1)), ("not_finite", ("b",))]


def test_half_a_character_is_named_with_its_place(tmp_path: Path) -> None:
    assert faults(tmp_path, '{"a": {"b": "x\\ud83d"}}') == [("lone_surrogate", ("a", "b"))]
    assert faults(tmp_path, '{"\\udc00": 1}') == [("lone_surrogate", ("\udc00",))]


def test_a_repeated_key_is_named_with_its_place(tmp_path: Path) -> None:
    assert faults(tmp_path, '{"a": [{"b": 1, "b": 2}], "c": NaN}') == [
        ("repeated_key", ("a", 0, "b")),
        ("not_finite", ("c",)),
    ]


def test_bytes_that_are_not_utf_8_are_named_by_position(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not UTF-8 at byte 11: invalid start byte"):
        rows(tmp_path, b'{"a": 1}\n"a\xff"\n')


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 10)
    found = rows(tmp_path, b'"' + b"x" * 35 + b'"\n{"a":1}\n"' + b"y" * 20)
    assert [[str(finding.kind) for finding in row.findings] for row in found] == [
        ["line_too_long"],
        [],
        ["line_too_long"],
    ]
    assert (found[1].line, found[1].value, found[0].findings[0].message) == (
        2,
        {"a": 1},
        "38 bytes, at most 10 allowed",
    )


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    line = json.dumps({"text": "x" * 1000}) + "\n"
    path.write_text(line * 5_000)
    tracemalloc.start()
    assert sum(1 for _ in read_jsonl(path)) == 5_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 5_000_000
    assert peak < 1_000_000


def test_a_walk_goes_outer_before_inner_and_in_order() -> None:
    def paths(value: object) -> Iterator[tuple[str | int, ...]]:
        return (path for path, _ in walk(value))

    assert list(paths({"a": [1, {"b": 2}], "c": 3})) == [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("c",)]
