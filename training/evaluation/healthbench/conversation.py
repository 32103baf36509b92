"""A conversation between our plain messages and inspect's.

Invariant: text stays as it is; a message that is more than text is refused, since a judge of text cannot read it.
"""

from collections.abc import Iterable

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.solver import TaskState

from service.revision.prompts import Message
from training.judges.presented import text_of


def chat_messages(messages: Iterable[Message]) -> list[ChatMessage]:
    """Return plain messages as inspect's. Raises ``ValueError`` for a content or a role that is none of a chat's."""
    return [_chat_message(message) for message in messages]


def messages_of(state: TaskState) -> list[Message]:
    """Return the conversation that a sample asks to answer. Raises ``ValueError`` for a message that is no text."""
    if isinstance(state.input, str):
        return [{"role": "user", "content": state.input}]
    shown = ({"role": message.role, "content": message.content} for message in state.input)
    return [{"role": message["role"], "content": text_of(message)} for message in shown]


def _chat_message(message: Message) -> ChatMessage:
    text = text_of(message)
    match message["role"]:
        case "system":
            return ChatMessageSystem(content=text)
        case "user":
            return ChatMessageUser(content=text)
        case "assistant":
            return ChatMessageAssistant(content=text)
        case role:
            raise ValueError(f"{role!r} is no role of a chat")
