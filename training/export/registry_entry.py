"""Writes one model's entry into a registry file as text, leaving every other line of the file as it stands.

Invariant: the file read back differs from what it was in this one entry only, or it is not written.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

from models.registry import ModelEntry, Registry, RegistryError, load_registry
from training.runs.files import replace_whole

_ALWAYS = frozenset({"prompts", "constrained", "verdict_threshold"})


def entry_text(name: str, entry: ModelEntry, default: ModelEntry | None = None) -> str:
    """Return the TOML table of an entry: what a reader looks for, and every key that is not as in ``default``."""
    standard = (default or ModelEntry()).model_dump(mode="json", exclude_none=True)
    values = entry.model_dump(mode="json", exclude_none=True)
    shown = {key: value for key, value in values.items() if key in _ALWAYS or standard.get(key) != value}
    rows = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in shown.items())
    return f"[models.{_key(name)}]\n{''.join(rows)}"


def register(file: Path, name: str, entry: ModelEntry, *, replace: bool = False) -> None:
    """Add the entry, or put it in the place of the model's old one when ``replace``.

    Raises ``RegistryError`` when the model has an entry and may not be replaced, and when the file cannot be read or
    holds the old entry in a form that cannot be replaced; ``training.runs.files.RunError`` when it cannot be written.
    """
    before = require_place(file, name, replace=replace)
    text = file.read_text(encoding="utf-8")
    made = "".join(_with_entry(text.splitlines(keepends=True), name, entry_text(name, entry, before.default)))
    _require_only_change(file, made, before, name, entry)
    replace_whole(file, [made.encode()])


def require_place(file: Path, name: str, *, replace: bool) -> Registry:
    """Return what the file holds now. Raises ``RegistryError`` when the model has an entry that may not be replaced."""
    before = load_registry(file)
    if name in before.models and not replace:
        raise RegistryError(f"{file}: models.{name} is there already; replacing it has to be asked for")
    return before


def _with_entry(lines: list[str], name: str, table: str) -> Iterator[str]:
    start = next((number for number, line in enumerate(lines) if _header(line) == ["models", name]), None)
    if start is None:
        yield from lines
        yield ("" if not lines or lines[-1].endswith("\n") else "\n") + ("\n" if lines else "") + table
        return
    end = next((at for at in range(start + 1, len(lines)) if _header(lines[at])), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    yield from lines[:start]
    yield table
    yield from lines[end:]


def _header(line: str) -> list[str]:
    """The keys of a table's header, none for any other line."""
    if not line.lstrip().startswith("["):
        return []
    try:
        found = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while found:
        [(key, inner)] = found.items()
        keys.append(key)
        found = inner if isinstance(inner, dict) else {}
    return keys


def _require_only_change(file: Path, made: str, before: Registry, name: str, entry: ModelEntry) -> None:
    wanted = {**before.models, name: entry}
    try:
        values = tomllib.loads(made)
        default = values.get("default", {})
        found = {key: ModelEntry.model_validate({**default, **row}) for key, row in values["models"].items()}
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise RegistryError(f"{file}: models.{name} cannot be written into it: {error}") from error
    if found != wanted or values.get("default", {}) != tomllib.loads(file.read_text(encoding="utf-8")).get(
        "default", {}
    ):
        raise RegistryError(f"{file}: models.{name} stands there in a form that cannot be replaced; edit it by hand")


def _key(name: str) -> str:
    plain = name and all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
    return name if plain else json.dumps(name, ensure_ascii=False)
