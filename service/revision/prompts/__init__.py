"""Prompt sets: text files with a fixed signature, rendered in one pass.

Invariant: every turn is appended to the conversation before it: an engine's prefix cache holds all but the newest turn.
A set with a missing, unknown or superfluous variable is refused when it is loaded.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = Mapping[str, Any]

SIGNATURES: Mapping[str, frozenset[str]] = {
    "rubric": frozenset({"principles"}),
    "verdict": frozenset({"criterion"}),
    "edit": frozenset({"numbered"}),
    "critique": frozenset({"criteria"}),
    "rewrite": frozenset({"criteria"}),
    "improve": frozenset(),
}
PRINCIPLE_SIGNATURE = frozenset({"number", "title", "statement"})
_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_TAG = re.compile(r"<(/?)(criterion|criteria|answer|principles)>", re.IGNORECASE)


class PromptError(Exception):
    """A prompt file is missing, or its variables are not those of its signature."""


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The turns of one prompt set, ready to render.

    ``turns`` maps a step's name to its template; ``principle`` is the template of one listed principle.
    """

    name: str
    turns: Mapping[str, str]
    principle: str
    sha8: str

    @property
    def version(self) -> str:
        """Name and content hash, as traces carry it."""
        return f"{self.name}@{self.sha8}"

    def rubric(self, messages: Sequence[Message], principles: Sequence[tuple[str, str]]) -> list[Message]:
        """Ask for a rubric: ``principles`` are (title, statement) pairs, numbered from 1."""
        listed = "\n".join(
            _fill(self.principle, {"number": str(number), "title": fenced(title), "statement": fenced(statement)})
            for number, (title, statement) in enumerate(principles, start=1)
        )
        return [*messages, _user(_fill(self.turns["rubric"], {"principles": listed}))]

    def verdict(self, messages: Sequence[Message], draft: str, criterion: str) -> list[Message]:
        """Ask whether ``draft`` meets one criterion; the answer is the single word yes or no."""
        turn = _fill(self.turns["verdict"], {"criterion": fenced(criterion)})
        return [*messages, _assistant(draft), _user(turn)]

    def edit(
        self, messages: Sequence[Message], draft: str, criterion: str, verdict: str, numbered: str
    ) -> list[Message]:
        """Ask for one edit that puts the criterion right, in the very branch that judged it."""
        turn = _fill(self.turns["edit"], {"numbered": fenced(numbered)})
        return [*self.verdict(messages, draft, criterion), _assistant(verdict), _user(turn)]

    def critique(self, messages: Sequence[Message], draft: str, criteria: Sequence[str]) -> list[Message]:
        """Ask for all verdicts in one structured answer, for engines without log-probabilities."""
        turn = _fill(self.turns["critique"], {"criteria": _listed(criteria)})
        return [*messages, _assistant(draft), _user(turn)]

    def rewrite(self, messages: Sequence[Message], draft: str, criteria: Sequence[str]) -> list[Message]:
        """Ask for a whole new answer that puts the listed criteria right."""
        turn = _fill(self.turns["rewrite"], {"criteria": _listed(criteria)})
        return [*messages, _assistant(draft), _user(turn)]

    def improve(self, messages: Sequence[Message], draft: str) -> list[Message]:
        """Ask for a better answer without any principle or criterion: the control."""
        return [*messages, _assistant(draft), _user(self.turns["improve"])]


def load_prompts(name: str, folder: Path | None = None) -> PromptSet:
    """Read the prompt set ``name``; raise ``PromptError`` where a file or a variable is not as declared."""
    where = (folder or Path(__file__).parent) / name
    if not where.is_dir():
        raise PromptError(f"no prompt set {name!r} in {where.parent.name}/")
    turns = {step: _read(where / f"{step}.txt", variables) for step, variables in SIGNATURES.items()}
    principle = _read(where / "principle.txt", PRINCIPLE_SIGNATURE, optional=True)
    digest = hashlib.sha256("\0".join([*turns.values(), principle]).encode()).hexdigest()[:8]
    return PromptSet(name, turns, principle, digest)


def fenced(text: str) -> str:
    """Make text unable to close the tags that fence it in a prompt."""
    return _TAG.sub(r"<\1 \2>", text)


def _read(path: Path, variables: frozenset[str], *, optional: bool = False) -> str:
    if not path.is_file():
        raise PromptError(f"prompt file {path.parent.name}/{path.name} is missing")
    text = path.read_text(encoding="utf-8").rstrip("\n")
    found = frozenset(_VARIABLE.findall(text))
    if found - variables or (variables - found and not optional):
        raise PromptError(f"{path.parent.name}/{path.name}: variables {sorted(found)}, expected {sorted(variables)}")
    return text


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match.group(1)], template)


def _listed(criteria: Sequence[str]) -> str:
    return "\n".join(f"{number}. {fenced(criterion)}" for number, criterion in enumerate(criteria, start=1))


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


def _assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}
