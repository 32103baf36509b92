"""Owns the prompt files of consultations: each with its variables, filled in one pass, in English and in Chinese.

Invariant: a file with a missing, unknown or superfluous variable is refused when it is read. The wording is ours.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from service.revision.prompts import PromptError
from training.evaluation.consultations.consultation import Language

FOLDER = Path(__file__).with_name("prompts")
SIGNATURES: Mapping[str, frozenset[str]] = {
    "doctor": frozenset(),
    "patient": frozenset({"opening", "facts", "end"}),
    "asks_back": frozenset(),
    "compare": frozenset({"reference", "first", "second"}),
    "reference": frozenset({"record"}),
}
_VARIABLE = re.compile(r"\{([a-z_]+)\}")


def load_prompt(name: str, language: Language, folder: Path = FOLDER) -> str:
    """Read one prompt. Raises ``PromptError`` where it is missing or its variables are not its signature's."""
    path = folder / (f"{name}.txt" if language == "en" else f"{name}_{language}.txt")
    if not path.is_file():
        raise PromptError(f"prompt file {path.name} is missing")
    text = path.read_text(encoding="utf-8").rstrip("\n")
    found = frozenset(_VARIABLE.findall(text))
    if found != SIGNATURES[name]:
        raise PromptError(f"{path.name}: variables {sorted(found)}, expected {sorted(SIGNATURES[name])}")
    return text


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill a template in one pass; a value with braces stays as it is."""
    return _VARIABLE.sub(lambda match: values[match.group(1)], template)


def versions(language: Language) -> dict[str, str]:
    """Return ``name@sha8`` of every prompt, as logs carry it."""
    texts = {name: load_prompt(name, language) for name in SIGNATURES}
    return {name: f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:8]}" for name, text in texts.items()}
