"""Owns bringing another principle set in: JSON or JSONL records, renamed by a TOML mapping, validated as our own.

Invariant: nothing is dropped or repaired; any fault refuses the whole set and names file, line or index, and field.
An imported principle is always unreviewed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from principles.corpus import Corpus, CorpusError, describe, load_sources, parse_records
from principles.schema import DEFAULT_BASIS, Dimension, Principle, Record

Target = Literal[
    "id", "dimension", "value", "title", "polarity", "statement", "why", "points", "basis",
    "applies.urgency", "applies.uncertainty", "applies.expertise", "applies.task_type",
]  # fmt: skip
REQUIRED: tuple[Target, ...] = ("dimension", "title", "polarity", "statement", "why", "points")


class FieldMapping(Record):
    """How a foreign record becomes one of ours.

    `value` is the record's value on its own dimension: it becomes `applies.<dimension>`. Without a source for `id`
    it is made of the dimension and the title.
    """

    records: str = Field("", description="dotted path of the list inside a JSON document; empty: the document itself")
    separator: str = Field("", description="splits text in value and applies.* into several values; empty: one value")
    unsigned_points: bool = Field(False, description="the source gives magnitudes; the polarity sets the sign")
    fields: dict[Target, str] = Field({}, description="target: dotted path in the source record")
    constants: dict[Target, str | int | list[str]] = Field({}, description="target: the same value for every record")
    values: dict[Target, dict[str, str | int]] = Field({}, description="target: source text to our value")

    @model_validator(mode="after")
    def _each_target_once(self) -> Self:
        if twice := sorted(self.fields.keys() & self.constants.keys()):
            raise ValueError(f"in both fields and constants: {', '.join(twice)}")
        if absent := [target for target in REQUIRED if target not in self.fields and target not in self.constants]:
            raise ValueError(f"neither field nor constant for: {', '.join(absent)}")
        return self


def load_mapping(path: Path) -> FieldMapping:
    """Read a TOML mapping; raises CorpusError naming the file and the field."""
    try:
        return FieldMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError([f"{path.name}: not readable as TOML: {error}"]) from error
    except ValidationError as error:
        raise CorpusError(describe(error, path.name)) from error


def import_principles(path: Path, mapping: FieldMapping) -> Corpus:
    """Read a `.jsonl` file (one record per line) or a JSON document; raises CorpusError with every fault found."""
    raw = _jsonl(path) if path.suffix == ".jsonl" else _json(path, mapping.records)
    mapped: list[tuple[str, object]] = []
    faults: list[str] = []
    for place, record in raw:
        try:
            mapped.append((place, map_record(record, mapping)))
        except CorpusError as error:
            faults += [f"{place}: {fault}" for fault in error.faults]
    principles, invalid = parse_records(mapped, {source.key for source in load_sources()})
    if faults or invalid:
        raise CorpusError([*faults, *invalid])
    return Corpus(tuple(principles))


def map_record(record: object, mapping: FieldMapping) -> dict[str, object]:
    """One foreign record with our field names and values, not yet validated; raises CorpusError for absent fields."""
    if not isinstance(record, Mapping):
        raise CorpusError([f"record: expected an object, found {type(record).__name__}"])
    found = {str(target): _ours(value, target, mapping) for target, value in mapping.constants.items()}
    absent: list[str] = []
    for target, source in mapping.fields.items():
        value = _at(record, source)
        if value is None:
            absent.append(f"{target}: source field {source!r} is absent or null")
        found[target] = _ours(value, target, mapping)
    if absent:
        raise CorpusError(absent)
    return _assembled(found, unsigned_points=mapping.unsigned_points)


def write_corpus(corpus: Corpus, folder: Path, header: str = "") -> tuple[Path, ...]:
    """Write one YAML file per dimension that has principles; never over an existing file (FileExistsError)."""
    dimensions: tuple[Dimension, ...] = get_args(Dimension)
    groups = {name: [p for p in corpus.principles if p.dimension == name] for name in dimensions}
    texts = {folder / f"{name}.yaml": comment(header) + to_yaml(group) for name, group in groups.items() if group}
    if taken := [path for path in texts if path.exists()]:
        raise FileExistsError(f"{taken[0]} exists")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return tuple(texts)


def comment(text: str) -> str:
    """The text as YAML comment lines."""
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def to_yaml(principles: list[Principle]) -> str:
    """Corpus YAML of the principles, parted by blank lines; unconstrained dimensions are left out of `applies`."""
    return "\n".join(
        yaml.safe_dump([_record(p)], sort_keys=False, width=110, allow_unicode=True, default_flow_style=None)
        for p in principles
    )


def _record(principle: Principle) -> dict[str, object]:
    fields = principle.model_dump(mode="json")
    fields["applies"] = {name: values for name, values in fields["applies"].items() if values}
    fields["review"] = {name: value for name, value in fields["review"].items() if value is not None}
    return fields


def _assembled(found: dict[str, object], *, unsigned_points: bool) -> dict[str, object]:
    own = {name: value for name, value in found.items() if "." not in name and name != "value"}
    applies = {name.removeprefix("applies."): value for name, value in found.items() if name.startswith("applies.")}
    if "value" in found:
        applies[str(found["dimension"])] = found["value"]
    points = found["points"]
    if unsigned_points and type(points) is int:
        own["points"] = -abs(points) if found["polarity"] == "avoid" else abs(points)
    own.setdefault("basis", DEFAULT_BASIS)
    own.setdefault("id", f"{found['dimension']}.{_slug(str(found['title']))}")
    return own | {"applies": applies}


def _ours(value: object, target: Target, mapping: FieldMapping) -> object:
    table = mapping.values.get(target, {})
    if target != "value" and not target.startswith("applies."):
        return _translated(value, table)
    if isinstance(value, str):
        parts = value.split(mapping.separator) if mapping.separator else [value]
        return [_translated(part.strip(), table) for part in parts]
    return [_translated(part, table) for part in value] if isinstance(value, list) else value


def _translated(value: object, table: Mapping[str, str | int]) -> object:
    return table.get(value, value) if isinstance(value, str) else value


def _at(record: Mapping[str, object], path: str) -> object:
    value: object = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _jsonl(path: Path) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            place = f"{path.name}:{number}"
            yield place, _decoded(line, place)


def _json(path: Path, records: str) -> Iterator[tuple[str, object]]:
    document = _decoded(path.read_text(encoding="utf-8"), path.name)
    content = _at(document, records) if records and isinstance(document, Mapping) else document
    if not isinstance(content, list):
        raise CorpusError([f"{path.name}: {records or 'document'}: expected a list, found {type(content).__name__}"])
    for index, record in enumerate(content):
        yield f"{path.name}[{index}]", record


def _decoded(text: str, place: str) -> object:
    try:
        decoded: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise CorpusError([f"{place}: not JSON: {error}"]) from error
    return decoded
