"""Reads MLB's published files, one a dataset: ``{"system_prompt", "examples": [{"question", "answer"?}]}``.

Invariant: every fault is named by file, example and field. A gold answer that is not of its dataset's form, which the
published files contain, leaves its example out and is reported; any other fault refuses the file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.revision.strict_json import NotStrictJSON, read_json
from training.evaluation.mlb.gold import WrongForm, gold_of
from training.evaluation.mlb.options import options_of
from training.evaluation.mlb.specs import SPECS, Format, Spec

FIXTURES = Path(__file__).with_name("fixtures")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_CANDIDATES = re.compile("\n\\s*候选[^\n:：]{0,9}[:：][ \t]*\n")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file; ``example`` counts from 1 and is None for the file as a whole."""

    file: str
    example: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = self.file if self.example is None else f"{self.file}: example {self.example}"
        return f"{where}: {self.field}: {self.message}"


class MalformedFile(ValueError):
    """A file that is not of the published form; ``faults`` has at least one."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Example:
    """One sample of a dataset. ``messages`` are what the model is asked, ``gold`` is text (JSON for all but letters
    and terms, "" for what is judged without gold), ``metadata`` what else is known of it."""

    id: str
    dataset: str
    messages: tuple[Mapping[str, str], ...]
    question: str
    gold: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset's examples, and the faults of those that were left out."""

    spec: Spec
    examples: tuple[Example, ...]
    faults: tuple[Fault, ...]


def read_dataset(path: Path, key: str | None = None) -> Loaded:
    """Read one published file; its dataset is named by ``key``, or else by the file's own name.

    Raises ``MalformedFile``, and ``KeyError`` for a key that is none of the 22.
    """
    spec = SPECS[path.stem if key is None else key]
    prompt, rows = _read(path)
    examples: list[Example] = []
    faults: list[Fault] = []
    refused: list[Fault] = []
    for number, row in enumerate(rows, start=1):
        try:
            examples.append(_example(spec, number, prompt, row))
        except WrongForm as error:
            fault = Fault(path.name, number, error.field, str(error))
            (faults if error.field == "answer" else refused).append(fault)
    if refused:
        raise MalformedFile(refused)
    return Loaded(spec, tuple(examples), tuple(faults))


def read_datasets(folder: Path = FIXTURES) -> list[Loaded]:
    """Read every ``<JSON key>.json`` of a folder, in the order of the specs. Raises ``MalformedFile``."""
    unknown = sorted(path.name for path in folder.glob("*.json") if path.stem not in SPECS)
    if unknown:
        raise MalformedFile([Fault(name, None, "file", "is named after none of MLB's datasets") for name in unknown])
    return [read_dataset(path) for key in SPECS if (path := folder / f"{key}.json").is_file()]


def _read(path: Path) -> tuple[str, list[Any]]:
    def fault(name: str, message: str) -> MalformedFile:
        return MalformedFile([Fault(path.name, None, name, message)])

    try:
        value = read_json(path.read_text(encoding="utf-8"))
    except (NotStrictJSON, UnicodeDecodeError) as error:
        raise fault("file", f"is no JSON in UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise fault("file", "is no JSON object")
    prompt, rows = value.get("system_prompt"), value.get("examples")
    if not isinstance(prompt, str):
        raise fault("system_prompt", "is no text")
    if unknown := sorted(set(_PLACEHOLDER.findall(prompt)) - {"question", "options"}):
        raise fault("system_prompt", f"has placeholders other than question and options: {', '.join(unknown)}")
    if not isinstance(rows, list) or not rows:
        raise fault("examples", "is no list of examples")
    return prompt, rows


def _example(spec: Spec, number: int, prompt: str, row: Any) -> Example:
    if not isinstance(row, dict):
        raise WrongForm("example", "is no JSON object")
    question, scenario = row.get("question"), row.get("scenario", "")
    if not isinstance(question, str) or not question.strip():
        raise WrongForm("question", "is no text, or empty")
    if not isinstance(scenario, str):
        raise WrongForm("scenario", "is no text")
    metadata: dict[str, Any] = {"scenario": scenario} if spec.format is Format.RISK_QUALITY else {}
    if extra := {name: value for name, value in row.items() if name not in ("question", "answer", "scenario")}:
        metadata["extra"] = extra
    return Example(
        id=f"{spec.key}-{number}",
        dataset=spec.key,
        messages=tuple(_messages(spec, prompt, question)),
        question=question,
        gold=gold_of(spec, question, row.get("answer")),
        metadata=metadata,
    )


def _messages(spec: Spec, prompt: str, question: str) -> Iterator[dict[str, str]]:
    """The prompt as the system's, the question as the user's; a prompt with a place for the question is the user's."""
    stem, listed = _parts(spec, question) if "${options}" in prompt else (question, "")
    filled = _PLACEHOLDER.sub(lambda match: {"question": stem, "options": listed}[match[1]], prompt)
    if "${question}" in prompt:
        yield {"role": "user", "content": filled}
        return
    if filled.strip():
        yield {"role": "system", "content": filled}
    yield {"role": "user", "content": stem}


def _parts(spec: Spec, question: str) -> tuple[str, str]:
    """Part a question from its options, or a diagnosis from its candidate terms."""
    if spec.format is Format.TERMS:
        found = _CANDIDATES.search(question)
        if found is not None:
            return question[: found.start()].strip(), question[found.end() :].strip()
    elif (options := options_of(question)) is not None:
        return options.stem, options.listed
    raise WrongForm("question", "has no options to fill the prompt's ${options} with")
