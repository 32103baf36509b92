"""``python -m training.verl_adapter.prepare``: questions, with or without rubrics, to the Parquet that verl reads.

Columns are verl's: prompt, data_source, ability, reward_model, extra_info; the rubric stands where RuscaRL has it.
Invariant: ``extra_info.split`` says how large the group is that a rollout waits for, so that no file mixes splits.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.runs.folder import RunError
from training.trl_adapter.counterpart_store import load_counterparts
from training.trl_adapter.questions import Graded, Question, read_questions
from training.verl_adapter.settings import SPLITS, Split

ABILITY = "medicine"
BATCH_ROWS = 512
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_CRITERION = pa.struct([("criterion", pa.string()), ("points", pa.float64()), ("axis", pa.string())])
SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(_MESSAGE)),
        ("ability", pa.string()),
        (
            "reward_model",
            pa.struct([("style", pa.string()), ("rubrics", pa.list_(_CRITERION)), ("ground_truth", pa.string())]),
        ),
        ("extra_info", pa.struct([("index", pa.int64()), ("id", pa.string()), ("split", pa.string())])),
    ]
)


def row_of(question: Question, index: int, split: Split, data_source: str) -> dict[str, Any]:
    """Return one row. verl wants a ``ground_truth``; a rubric has none, so it is empty."""
    rubrics = [{"criterion": c.text, "points": float(c.points), "axis": c.axis} for c in question.criteria_K]
    return {
        "data_source": data_source,
        "prompt": list(question.prompt),
        "ability": ABILITY,
        "reward_model": {"style": "rubric", "rubrics": rubrics, "ground_truth": ""},
        "extra_info": {"index": index, "id": question.id, "split": split},
    }


def question_of(prompt: Sequence[Any], reward_model: Any, extra_info: Any) -> Question:
    """Return the question of a row as verl hands it on. Raises ``KeyError`` for a row that ``row_of`` did not make."""
    criteria_K = tuple(Graded(str(c["criterion"]), float(c["points"]), c["axis"]) for c in reward_model["rubrics"])
    messages = tuple({"role": str(m["role"]), "content": str(m["content"])} for m in prompt)
    return Question(str(extra_info["id"]), messages, criteria_K)


def write_questions(path: Path, questions: Sequence[Question], split: Split, data_source: str) -> int:
    """Write the file beside its place, then put it there; return the number of rows. Raises ``RunError``."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with pq.ParquetWriter(partial, SCHEMA) as writer:
            for batch in _batches(questions, split, data_source):
                writer.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))
        partial.replace(path)
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(questions)


def main(argv: list[str] | None = None) -> int:
    """Run the command: status 0, or 1 with every fault of the first faulty row."""
    parser = argparse.ArgumentParser(prog="python -m training.verl_adapter.prepare", description="Parquet for verl.")
    parser.add_argument("file", type=Path, help="rows of kind healthbench, health_rubric, or query with --bare")
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    parser.add_argument("--split", choices=SPLITS, required=True, help="what verl will read the file as")
    parser.add_argument("--data-source", default="preceptor", help="the name that verl's metrics carry (%(default)s)")
    parser.add_argument("--bare", action="store_true", help="questions need no rubric: comparisons, absolute scores")
    parser.add_argument("--counterparts", type=Path, metavar="FILE", help="check that every question has its own here")
    given = parser.parse_args(argv)
    try:
        questions = read_questions(given.file, rubrics=not given.bare)
        if given.counterparts is not None:
            load_counterparts(given.counterparts).require((one.id for one in questions), given.counterparts)
        rows = write_questions(given.out, questions, given.split, given.data_source)
    except (FaultyRow, RunError, UnreadableFile) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {rows} rows\n")
    return 0


def _batches(questions: Sequence[Question], split: Split, data_source: str) -> Iterator[list[dict[str, Any]]]:
    numbered = enumerate(questions)
    while batch := [row_of(question, index, split, data_source) for index, question in islice(numbered, BATCH_ROWS)]:
        yield batch


if __name__ == "__main__":
    sys.exit(main())
