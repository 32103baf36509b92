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

from service.revision.prompts.templates import PromptError, filled, read_template

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
_TAGS = ("criterion", "criteria", "answer", "principles")
_INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"


def _look_alikes(word: str) -> str:
    """A pattern of the word in any case and width, with characters between its letters that cannot be seen."""
    return f"[{_INVISIBLE}]*+".join(f"[{letter}{chr(ord(letter) + 0xFEE0)}]" for letter in word)


# Our own tags are read by the model as text, so that any form which looks like one counts.
_TAG = re.compile(
    rf"[<\uff1c\ufe64](?=[\s/\uff0f{_INVISIBLE}]*+(?:{'|'.join(map(_look_alikes, _TAGS))})(?![\w-])"
    r"[^>\uff1e\ufe65]{0,200}[>\uff1e\ufe65])",
    re.IGNORECASE,
)
# Tokens that end or begin turns are read by the tokenizer, which knows only their exact form: <|...|> in both the ways
# that it is cut short, its full-width form, and the names that well-known chat templates give.
_CONTROL = re.compile(
    r"<(?=[|\uff5c][^<>\u2039\s]{0,64}>|[^<>|\uff5c\u2039\s]{1,64}[|\uff5c]>"
    r"|/?s>|(?:bos|eos|pad|unk|mask|sop|eop)>|/?think>|/?tool_(?:call|response)>|</?SYS>>|(?:start|end)_of_\w{1,20}>"
    r"|[A-Z_]{1,40}_TOKEN>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK)\])"
)


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
            filled(self.principle, {"number": str(number), "title": fenced(title), "statement": fenced(statement)})
            for number, (title, statement) in enumerate(principles, start=1)
        )
        return [*messages, _user(filled(self.turns["rubric"], {"principles": listed}))]

    def verdict(self, messages: Sequence[Message], draft: str, criterion: str) -> list[Message]:
        """Ask whether ``draft`` meets one criterion; the answer is the single word yes or no."""
        turn = filled(self.turns["verdict"], {"criterion": fenced(criterion)})
        return [*messages, _assistant(draft), _user(turn)]

    def edit(
        self, messages: Sequence[Message], draft: str, criterion: str, verdict: str, numbered: str
    ) -> list[Message]:
        """Ask for one edit that puts the criterion right, in the very branch that judged it."""
        turn = filled(self.turns["edit"], {"numbered": fenced(numbered)})
        return [*self.verdict(messages, draft, criterion), _assistant(verdict), _user(turn)]

    def critique(self, messages: Sequence[Message], draft: str, criteria: Sequence[str]) -> list[Message]:
        """Ask for all verdicts in one structured answer, for engines without log-probabilities."""
        turn = filled(self.turns["critique"], {"criteria": _listed(criteria)})
        return [*messages, _assistant(draft), _user(turn)]

    def rewrite(self, messages: Sequence[Message], draft: str, criteria: Sequence[str]) -> list[Message]:
        """Ask for a whole new answer that puts the listed criteria right."""
        turn = filled(self.turns["rewrite"], {"criteria": _listed(criteria)})
        return [*messages, _assistant(draft), _user(turn)]

    def improve(self, messages: Sequence[Message], draft: str) -> list[Message]:
        """Ask for a better answer without any principle or criterion: the control."""
        return [*messages, _assistant(draft), _user(self.turns["improve"])]


def load_prompts(name: str, folder: Path | None = None) -> PromptSet:
    """Read the prompt set ``name``; raise ``PromptError`` where a file or a variable is not as declared."""
    where = (folder or Path(__file__).parent) / name
    if not where.is_dir():
        raise PromptError(f"no prompt set {name!r} in {where.parent.name}/")
    turns = {step: read_template(where / f"{step}.txt", variables) for step, variables in SIGNATURES.items()}
    principle = read_template(where / "principle.txt", PRINCIPLE_SIGNATURE, optional=True)
    digest = hashlib.sha256("\0".join([*turns.values(), principle]).encode()).hexdigest()[:8]
    return PromptSet(name, turns, principle, digest)


def fenced(text: str) -> str:
    """Make text unable to close the tags that fence it in a prompt, or to end the turn that it stands in.

    The bracket that begins such a mark becomes one that looks alike, or gets a space; all else stays as it is.
    """
    return _TAG.sub("\u2039", inert(text))


def inert(text: str) -> str:
    """Make text unable to end the turn that it stands in: a chat template's tokens become plain text."""
    return _CONTROL.sub(lambda match: "\u2039" if match.group() == "<" else "[ ", text)


def has_marks(text: str) -> bool:
    """Say whether ``fenced`` would change the text."""
    return bool(_TAG.search(text) or _CONTROL.search(text))


def _listed(criteria: Sequence[str]) -> str:
    return "\n".join(f"{number}. {fenced(criterion)}" for number, criterion in enumerate(criteria, start=1))


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


def _assistant(content: str) -> Message:
    """The model's own text holds no control token, so a draft from a client is all that this can change."""
    return {"role": "assistant", "content": inert(content)}
