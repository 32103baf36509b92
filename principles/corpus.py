"""Owns the loaded set of principles and reading it from YAML; our own set is the folder `corpus` beside this file.

Invariant: a Corpus has unique ids, every basis is a key of the sources list, and a fault names its file, id and field.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from principles.schema import Principle, Record, Scenario, SourceKey, Text

CORPUS_FOLDER = Path(__file__).with_name("corpus")
SOURCES_FILE = Path(__file__).with_name("sources.yaml")


class CorpusError(ValueError):
    """One or more faults in a principle file, one per line of the message."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Source(Record):
    """A body, guideline or practice that a principle rests on."""

    key: SourceKey
    name: Text
    kind: Text = Field(description="body, guideline, reference, benchmark or practice")


@dataclass(frozen=True)
class Corpus:
    """The principles in file order; an index into `principles` is stable for one `sha8`."""

    principles: tuple[Principle, ...]
    _by_id: Mapping[str, Principle] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        counts = Counter(principle.id for principle in self.principles)
        if repeated := [f"{id_}: id: used {n} times" for id_, n in counts.items() if n > 1]:
            raise CorpusError(repeated)
        object.__setattr__(self, "_by_id", {principle.id: principle for principle in self.principles})

    def __len__(self) -> int:
        return len(self.principles)

    def by_id(self, id_: str) -> Principle:
        """The principle of that id; KeyError when there is none."""
        return self._by_id[id_]

    def admitted(self, scenario: Scenario) -> tuple[int, ...]:
        """Indices, ascending, of the principles that apply to the scenario."""
        return tuple(i for i, principle in enumerate(self.principles) if principle.applies.admits(scenario))

    @cached_property
    def sha8(self) -> str:
        """First 8 hex digits of the SHA-256 over every principle's JSON, in order."""
        digest = hashlib.sha256()
        for principle in self.principles:
            digest.update(principle.model_dump_json().encode() + b"\n")
        return digest.hexdigest()[:8]


def load_corpus(path: Path | None = None) -> Corpus:
    """Read one YAML file, or every `*.yaml` of a folder in name order; the project's own set without a path.

    Raises CorpusError for unreadable or invalid files and FileNotFoundError when the path does not exist.
    """
    return parse_corpus(read_files(path))


def read_files(path: Path | None = None) -> dict[str, bytes]:
    """The raw files of a corpus by name, in name order: one file, or every `*.yaml` of a folder.

    Raises CorpusError for a folder without any, and OSError for what cannot be read.
    """
    where = path if path is not None else CORPUS_FOLDER
    files = sorted(where.glob("*.yaml")) if where.is_dir() else [where]
    if not files:
        raise CorpusError([f"{where}: no *.yaml file"])
    return {file.name: file.read_bytes() for file in files}


def parse_corpus(files: Mapping[str, bytes]) -> Corpus:
    """The corpus that these files hold; CorpusError for invalid ones, and where there is no principle in them."""
    known = {source.key for source in load_sources()}
    faults: list[str] = []
    by_file: dict[str, list[Principle]] = {}
    for name, raw in files.items():
        by_file[name], wrong = parse_records(_placed(name, raw), known)
        faults += wrong
    if faults := faults + _repeated_ids(by_file):
        raise CorpusError(faults)
    if not any(by_file.values()):
        raise CorpusError([f"{', '.join(files)}: no principle"])
    return Corpus(tuple(principle for found in by_file.values() for principle in found))


def load_sources(path: Path = SOURCES_FILE) -> tuple[Source, ...]:
    """The curated list of sources; raises CorpusError when an entry is invalid or a key repeats."""
    try:
        sources = TypeAdapter(tuple[Source, ...]).validate_python(_yaml_list(path.name, path.read_bytes()))
    except ValidationError as error:
        raise CorpusError(describe(error, path.name)) from error
    counts = Counter(source.key for source in sources)
    if repeated := [f"{path.name}: {key}: key: used {n} times" for key, n in counts.items() if n > 1]:
        raise CorpusError(repeated)
    return sources


def parse_records(records: Iterable[tuple[str, object]], known: Container[str]) -> tuple[list[Principle], list[str]]:
    """Validate (place, raw record) pairs; gives the valid principles and one fault line per bad field.

    `known` holds the keys that a basis may name.
    """
    good: list[Principle] = []
    faults: list[str] = []
    for place, record in records:
        try:
            principle = Principle.model_validate(record)
        except ValidationError as error:
            faults += describe(error, place)
            continue
        if principle.basis not in known:
            faults.append(f"{place}: basis: {principle.basis!r} is not a key of {SOURCES_FILE.name}")
        good.append(principle)
    return good, faults


def describe(error: ValidationError, place: str) -> list[str]:
    """One line per invalid field: place, field, reason."""
    return [
        f"{place}: {'.'.join(map(str, fault['loc'])) or 'record'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]


def _repeated_ids(by_file: Mapping[str, Sequence[Principle]]) -> list[str]:
    files: dict[str, list[str]] = defaultdict(list)
    for file, principles in by_file.items():
        for principle in principles:
            files[principle.id].append(file)
    return [f"{id_}: id: used {len(names)} times in {', '.join(names)}" for id_, names in files.items() if names[1:]]


def _placed(name: str, raw: bytes) -> Iterator[tuple[str, object]]:
    for index, record in enumerate(_yaml_list(name, raw)):
        id_ = record.get("id") if isinstance(record, Mapping) else None
        yield f"{name}: {f'item {index}' if id_ is None else id_}", record


def _yaml_list(name: str, raw: bytes) -> list[object]:
    try:
        content = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorpusError([f"{name}: not readable as YAML: {error}"]) from error
    if not isinstance(content, list):
        raise CorpusError([f"{name}: expected a list, found {type(content).__name__}"])
    return content
