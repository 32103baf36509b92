"""Owns the prompt files of consultations: each with its variables, filled in one pass, in English and in Chinese.

Invariant: a file with a missing, unknown or superfluous variable is refused when it is read. The wording is ours.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from service.revision.prompts.templates import read_template
from training.evaluation.consultations.consultation import Language

FOLDER = Path(__file__).with_name("prompts")
SIGNATURES: Mapping[str, frozenset[str]] = {
    "doctor": frozenset(),
    "patient": frozenset({"opening", "facts", "end"}),
    "asks_back": frozenset(),
    "compare": frozenset({"reference", "first", "second"}),
    "reference": frozenset({"record"}),
}


def load_prompt(name: str, language: Language, folder: Path = FOLDER) -> str:
    """Read one prompt. Raises ``PromptError`` where it is missing or its variables are not its signature's."""
    path = folder / (f"{name}.txt" if language == "en" else f"{name}_{language}.txt")
    return read_template(path, SIGNATURES[name])


def versions(language: Language) -> dict[str, str]:
    """Return ``name@sha8`` of every prompt, as logs carry it."""
    texts = {name: load_prompt(name, language) for name in SIGNATURES}
    return {name: f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:8]}" for name, text in texts.items()}
