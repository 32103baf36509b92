"""Prompt templates: text files whose ``{variables}`` are exactly those declared, filled in one pass.

Invariant: a value that holds braces stays as it is, and a file with other variables than its own is refused when read.
"""

import re
from collections.abc import Mapping, Set
from pathlib import Path

_VARIABLE = re.compile(r"\{([a-z_]+)\}")


class PromptError(Exception):
    """A prompt file is missing, or its variables are not those of its signature."""


def read_template(path: Path, variables: Set[str], *, optional: bool = False) -> str:
    """Read a template. Raises ``PromptError``; where its variables are ``optional``, only for one that is unknown."""
    if not path.is_file():
        raise PromptError(f"prompt file {path.parent.name}/{path.name} is missing")
    text = path.read_text(encoding="utf-8").rstrip("\n")
    found = frozenset(_VARIABLE.findall(text))
    if found - variables or (variables - found and not optional):
        raise PromptError(f"{path.parent.name}/{path.name}: variables {sorted(found)}, expected {sorted(variables)}")
    return text


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill every variable. Raises ``KeyError`` for one without a value."""
    return _VARIABLE.sub(lambda match: values[match.group(1)], template)
