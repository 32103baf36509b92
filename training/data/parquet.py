"""Owns reading and writing Parquet: rows in batches, and the Arrow schema that a record type has.

Invariant: Parquet has no absent field, so a null in a struct counts as absent; a null in a list stays and is a fault.
"""

import types
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from pydantic import BaseModel

from training.data.jsonl import RawRow, UnreadableFile

BATCH_ROWS = 512
_SCALARS = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


def read_parquet(path: Path) -> Iterator[RawRow]:
    """Yield every row, numbered from 1. Raises ``UnreadableFile``."""
    try:
        with pq.ParquetFile(path) as file:
            total, line = max(file.metadata.num_rows, 1), 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for value in batch.to_pylist():
                    line += 1
                    yield RawRow(line, _without_nulls(value), (), line / total)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: not UTF-8 in a row after {line}: {error.reason}") from error
    except pa.ArrowException as error:
        raise UnreadableFile(f"{path}: not readable as Parquet: {error}") from error


def write_parquet(path: Path, records: Iterable[BaseModel], record_type: type[BaseModel]) -> int:
    """Write records of one type in batches; return how many."""
    rows, written = iter(records), 0
    schema = arrow_schema(record_type)
    with pq.ParquetWriter(path, schema) as writer:
        while batch := [row.model_dump(mode="json") for row in islice(rows, BATCH_ROWS)]:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            written += len(batch)
    return written


def arrow_schema(record_type: type[BaseModel]) -> Any:
    """The Arrow schema of a record type. Raises TypeError for a field that Arrow cannot hold."""
    return pa.schema([(name, _arrow(field.annotation)) for name, field in record_type.model_fields.items()])


def _arrow(annotation: Any) -> Any:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _arrow(inner[0])
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow(inner[0]))
    if origin in (Union, types.UnionType):
        return _arrow(next(part for part in inner if part is not type(None)))
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct([(name, _arrow(field.annotation)) for name, field in annotation.model_fields.items()])
    raise TypeError(f"no Arrow type for {annotation}")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
