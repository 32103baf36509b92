"""Puts a text where somebody hostile could: into the question, an earlier turn, the draft, a document, a principle.

Invariant: what is placed stands in the result byte for byte, and all else is the case's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from service.revision.prompts import Message
from service.revision.sentences import split
from training.miniclinic.hostile.prompts import Carrier

_DOCUMENT = "{question}\n\nThis is the letter that I was given:\n---\nDear colleague,\n{text}\nKind regards\n---"
_THANKS = "Thank you for telling me."


@dataclass(frozen=True, slots=True)
class Placed:
    """What a verdict is asked of: the conversation, the answer to it and one criterion."""

    messages: tuple[Message, ...]
    answer: str
    criterion: str


def placed(at: Placed, carrier: Carrier, text: str) -> Placed:
    """Put a text into its carrier.

    A principle reaches a verdict only through the criterion that is written from it: here its words are all copied,
    which is the worst case.
    """
    *before, last = at.messages
    match carrier:
        case "question":
            asked = {**last, "content": f"{last['content']}\n\n{text}"}
            return Placed((*before, asked), at.answer, at.criterion)
        case "document":
            asked = {**last, "content": _DOCUMENT.format(question=last["content"], text=text)}
            return Placed((*before, asked), at.answer, at.criterion)
        case "history":
            earlier = ({"role": "user", "content": text}, {"role": "assistant", "content": _THANKS})
            return Placed((*earlier, *at.messages), at.answer, at.criterion)
        case "draft":
            return Placed(at.messages, f"{at.answer}\n\n{text}", at.criterion)
        case "principle":
            return Placed(at.messages, at.answer, f"{at.criterion}. {text}")


def without(answer: str, text: str) -> str:
    """Return an answer without the sentences of a text that was placed in its draft."""
    foreign = set(_plain(split(text)))
    return " ".join(unit for unit in _plain(split(answer)) if unit not in foreign)


def _plain(units: Iterable[str]) -> list[str]:
    return [" ".join(unit.split()) for unit in units if unit.strip()]
