"""Writes one model's ``verdict_threshold`` into a registry file: that line, and no other.

Invariant: the file read back differs from what it was in this one value only, or it is not written.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.registry import ModelEntry, Registry, RegistryError, load_registry
from training.runs.files import replace_whole

KEY = "verdict_threshold"
_LINE = re.compile(rf"(?P<before>[ \t]*{KEY}[ \t]*=[ \t]*)(?P<value>[^\s#]+)(?P<after>.*)", re.DOTALL)


def write_threshold(file: Path, model: str, threshold: float) -> float:
    """Set the model's threshold and return the old one; comments, order and line ends stay.

    An entry that has the threshold from ``[default]`` gets a line of its own under its heading. Raises
    ``RegistryError`` where the model has no entry, the value is none, or the file's form leaves no such line to change;
    ``training.runs.files.RunError`` where it cannot be written.
    """
    before = load_registry(file)
    if model not in before.models:
        raise RegistryError(f"{file}: no entry models.{model}")
    old = before.models[model].verdict_threshold
    try:
        entry = ModelEntry.model_validate(before.models[model].model_dump() | {KEY: threshold})
    except ValueError as error:
        raise RegistryError(f"{file}: {threshold} is no {KEY}: it has to lie between 0 and 1") from error
    if old == threshold:
        return old
    wanted = Registry(default=before.default, models={**before.models, model: entry})
    lines = file.read_bytes().decode().splitlines(keepends=True)
    made = next((text for text in _changed(lines, repr(threshold)) if _registry(text) == wanted), None)
    if made is None:
        raise RegistryError(f"{file}: models.{model} stands there in a form that cannot be changed; edit it by hand")
    replace_whole(file, [made.encode()])
    return old


def _changed(lines: list[str], value: str) -> Iterator[str]:
    """Every file with one threshold changed, and then every file with one added under a heading."""
    for number, line in enumerate(lines):
        if found := _LINE.fullmatch(line):
            yield "".join([*lines[:number], found["before"] + value + found["after"], *lines[number + 1 :]])
    for number, line in enumerate(lines):
        if line.lstrip().startswith("["):
            end = "\r\n" if line.endswith("\r\n") else "\n"
            heading = line if line.endswith("\n") else line + end
            yield "".join([*lines[:number], heading, f"{KEY} = {value}{end}", *lines[number + 1 :]])


def _registry(text: str) -> Registry | None:
    try:
        values: dict[str, Any] = tomllib.loads(text)
        default = values.get("default", {})
        models = {name: {**default, **entry} for name, entry in values["models"].items()}
        return Registry.model_validate({**values, "models": models})
    except (tomllib.TOMLDecodeError, TypeError, ValueError):
        return None
