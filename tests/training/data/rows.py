"""Owns the example rows that the tests of training data begin with, and the faults of a changed one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import training.data
from training.data.check import Rules, row_faults
from training.data.jsonl import RawRow
from training.data.kinds import KINDS

EXAMPLES = Path(training.data.__file__).with_name("examples")


def example(kind: str) -> Any:
    """The first example row of a kind."""
    return json.loads((EXAMPLES / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()[0])


def faults_after(kind: str, change: Callable[[Any], object]) -> list[tuple[str, str]]:
    """Kind and field of every fault of the example row after a change to it."""
    row = example(kind)
    change(row)
    return [(str(fault.kind), fault.field) for fault in row_faults(RawRow(1, row, (), 1.0), Rules(KINDS[kind]))]
