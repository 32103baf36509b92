"""Owns chats: conversations that supervised training learns from.

Invariant: a chat ends with the assistant, who never speaks first or twice in a row.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from training.data.faults import FaultKind, Finding, refuse
from training.data.fields import MAX_MESSAGES, Id, Message, Row


def _answered(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The user may speak twice in a row, as where the service asks for a rubric; the assistant may not, nor first."""
    first = 1 if messages and messages[0].role == "system" else 0
    for number, message in enumerate(messages[first:], start=first):
        before = messages[number - 1].role if number > first else "assistant"
        if message.role == "system" or (message.role == "assistant" and before == "assistant"):
            refuse([Finding(FaultKind.ROLES, (number, "role"), "should be user: nobody has asked anything here")])
    if not messages or messages[-1].role != "assistant":
        refuse([Finding(FaultKind.ROLES, (), "should end with the assistant, whose turns are learnt")])
    return messages


class Chat(Row):
    """One conversation, from the user to the assistant; every turn of the assistant is learnt, or only the last one."""

    id: Id
    messages: Annotated[
        tuple[Message, ...], Strict(False), Field(min_length=1, max_length=MAX_MESSAGES), AfterValidator(_answered)
    ]
    last_turn_only: bool = False
