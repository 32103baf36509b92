"""Owns the prompt that asks a model for the principle behind some criteria: a text file with one variable.

Invariant: a file without its variable, or with another, is refused when it is loaded; criteria are fenced as text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from service.revision.prompts import Message, fenced
from service.revision.prompts.templates import PromptError

FOLDER = Path(__file__).with_name("prompts")
_VARIABLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class MergePrompt:
    """One prompt; ``whole`` says that it asks for the reason and the points too, as the full set does."""

    name: str
    template: str
    whole: bool

    @property
    def version(self) -> str:
        """Name and content hash, as runs record it."""
        return f"{self.name}@{sha256(self.template.encode()).hexdigest()[:8]}"

    def render(self, criteria: Sequence[str]) -> list[Message]:
        """One user message that lists the criteria."""
        listed = "\n".join(f"- {fenced(text)}" for text in criteria)
        return [{"role": "user", "content": self.template.replace("{criteria}", listed)}]


def load_merge_prompt(name: str, folder: Path = FOLDER) -> MergePrompt:
    """Read ``<name>/merge.txt``. Raises ``PromptError`` where it is absent or its variables are not as declared."""
    path = folder / name / "merge.txt"
    if not path.is_file():
        raise PromptError(f"prompt file {name}/{path.name} is missing")
    template = path.read_text(encoding="utf-8").rstrip("\n")
    if (found := _VARIABLE.findall(template)) != ["criteria"]:
        raise PromptError(f"{name}/{path.name}: variables {found}, expected ['criteria']")
    return MergePrompt(name, template, whole='"why"' in template)
