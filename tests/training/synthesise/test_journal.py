import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.runs.files import RunError
from training.synthesise.journal import JOURNAL, Journal
from training.synthesise.run import Identity
from training.synthesise.settings import SynthesisError

OURS = Identity(input_sha256="a", model="m")


def done(line: int, value: str = "x") -> dict[str, Any]:
    return {"line": line, "done": {"value": value}}


def failed(line: int, reason: str) -> dict[str, Any]:
    return {"line": line, "failed": {"reason": reason}}


def test_a_row_is_recorded_once_and_failures_are_only_those_without_a_result(tmp_path: Path) -> None:
    with Journal(tmp_path, OURS, 4) as journal:
        journal.commit([done(2), failed(1, "first"), failed(3, "first")])
        journal.commit([done(2, "again"), failed(1, "last"), done(3)])
    with Journal(tmp_path, OURS, 4) as journal:
        assert [journal.is_done(line) for line in (1, 2, 3, 4)] == [False, True, True, False]
        assert (journal.done, list(journal.results())) == (2, [(2, {"value": "x"}), (3, {"value": "x"})])
        assert list(journal.failures()) == [(1, {"reason": "last"})]


@given(cut=st.integers(min_value=0, max_value=200))
def test_wherever_a_kill_cuts_the_file_whole_entries_stay(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    with Journal(folder, OURS, 5) as journal:
        journal.commit([done(line, "é" * line) for line in (1, 2, 3, 4)])
    whole = (folder / JOURNAL).read_bytes()
    (folder / JOURNAL).write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    with Journal(folder, OURS, 5) as journal:
        assert journal.done == kept
        journal.commit([done(5)])
        assert [line for line, _ in journal.results()] == [*range(1, kept + 1), 5]
    assert all(json.loads(line) for line in (folder / JOURNAL).read_bytes().splitlines())


def test_another_identity_is_refused_by_name(tmp_path: Path) -> None:
    with Journal(tmp_path, OURS, 1):
        pass
    with pytest.raises(RunError, match="model is 'm' there, 'n' now"):
        Journal(tmp_path, Identity(input_sha256="a", model="n"), 1)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path, OURS, 1), pytest.raises(SynthesisError, match="another run is at work there"):
        Journal(tmp_path, OURS, 1)
    with Journal(tmp_path, OURS, 1):
        pass


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path, OURS, 1) as journal:
        journal.commit([done(1)])
    (tmp_path / JOURNAL).write_bytes(b"{broken\n")
    with pytest.raises(SynthesisError, match=r"journal\.jsonl"):
        Journal(tmp_path, OURS, 1)
