"""Owns how a conversation and its replies are shown to a judge that compares or scores: prompt files, fenced text.

Invariant: fenced text can neither close the tags that hold it nor end the turn that it stands in, and the same reply
reads the same in either place.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from service.revision.prompts import Message, inert
from service.revision.prompts.templates import filled, read_template

Prompts = Literal["compact", "full"]

FOLDER = Path(__file__).with_name("prompts")
SIGNATURES: Mapping[str, frozenset[str]] = {
    "compare": frozenset({"conversation", "first", "second"}),
    "score": frozenset({"conversation", "reply"}),
}
# An opening bracket of any width that could begin a tag, with what cannot be seen between it and the name.
_BRACKET = re.compile(
    "[<\uff1c\ufe64](?=[\\s/\uff0f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]*+[^\\W\\d])"
)


def load_prompt(prompts: Prompts, name: str, folder: Path = FOLDER) -> str:
    """Read one prompt file. Raises ``PromptError`` where it is missing or its variables are not its signature's."""
    return read_template(folder / prompts / f"{name}.txt", SIGNATURES[name])


def rendered(template: str, prompt: Sequence[Message], **replies: str) -> list[Message]:
    """Fill a template in one pass; each reply is named as its variable."""
    values = {"conversation": shown(prompt)} | {name: fenced(reply) for name, reply in replies.items()}
    return [{"role": "user", "content": filled(template, values)}]


def shown(prompt: Sequence[Message]) -> str:
    """Write a conversation as turns in tags. Raises ``ValueError`` for a message that is no text."""
    return "\n".join(f'<turn role="{fenced(str(m["role"]))}">\n{fenced(text_of(m))}\n</turn>' for m in prompt)


def fenced(text: str) -> str:
    """Make text unable to hold a tag or a token that ends a turn; brackets become ones that look alike."""
    return _BRACKET.sub("\u2039", inert(text))


def text_of(message: Message) -> str:
    """Return a message's text. Raises ``ValueError`` where its content is anything else."""
    content = message["content"]
    if not isinstance(content, str):
        raise ValueError(f"a judge reads text, and a {message['role']} message's content is {type(content).__name__}")
    return content


def key_of(prompt: Sequence[Message], *replies: str) -> str:
    """Return a hash of a conversation and replies: what decides the engine, and the exact judge's noise."""
    value = [[[m["role"], m["content"]] for m in prompt], *replies]
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
