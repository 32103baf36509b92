"""Owns the recognition of chat clients' house-keeping prompts: titles, tags, follow-ups, completions, summaries.

Invariant: a prompt is a chore only by several marks of one client's own form, in their places; a heading, a topic or a
request for a title is never enough, since a chore loses the safeguard. Only both ends of a text are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD_CHARACTERS = 6000
TAIL_CHARACTERS = 600


@dataclass(frozen=True)
class Form:
    """What a prompt of this form starts with, holds and ends with, in lower case; `holds` in its head or its tail."""

    name: str
    starts: str = ""
    holds: tuple[str, ...] = ()
    ends: str = ""

    def fits(self, head: str, tail: str) -> bool:
        """Whether a text with these two ends has every mark."""
        placed = head.startswith(self.starts) and tail.endswith(self.ends)
        return placed and all(mark in head or mark in tail for mark in self.holds)


_TASK = "### task:"
_HISTORY = "</chat_history>"

FORMS = (
    Form("Open WebUI title", _TASK, ("<chat_history>", '"title":'), _HISTORY),
    Form("Open WebUI tags", _TASK, ("<chat_history>", '"tags":'), _HISTORY),
    Form("Open WebUI follow-ups", _TASK, ("<chat_history>", "follow-up", "json"), _HISTORY),
    Form("Open WebUI search queries", _TASK, ("<chat_history>", '"queries":'), _HISTORY),
    Form("Open WebUI image prompt", _TASK, ("<chat_history>", '"prompt":'), _HISTORY),
    Form("Open WebUI autocompletion", _TASK, ("`<type>`", "`<text>`"), "#### output:"),
    Form("Open WebUI compaction", _TASK, ("compacted out of the active chat context", "### instructions:")),
    Form("Open WebUI title before 0.5", "create a concise, 3-5 word title", ("only with the title",), _HISTORY),
    Form("Open WebUI title before 0.4", "here is the query:", ("3-5 word phrase", "only with the title")),
    Form("Open WebUI emoji", "your task is to reflect the speaker's", ("fitting emoji", "message: ```"), "```"),
    Form("Open WebUI tool choice", "available tools:", ('"tool_calls"', "json object")),
    Form("Open WebUI tool choice before 0.5", "available tools:", ("functionname", "json object")),
    Form("LibreChat structured title", "analyze this conversation and provide:", ("1. the detected language",)),
    Form("LibreChat completion title", "provide a concise, 5-word-or-less title", ("\nconversation:\n",)),
    Form("LibreChat assistants title", "please generate a concise title (max ", ("that starts with:",), "title:"),
    Form("LibreChat chain title", "write a concise title for this conversation in the given", ("in 5 words or less",)),
    Form("LibreChat first title", "detect user language", ("||>user:",), "||>title:"),
    Form("LibreChat title function", "in this environment", ("<tool_name>submit_title</tool_name>",)),
    Form("LibreChat checkpoint", "hold on", ("checkpoint", "only the checkpoint, don't respond to me")),
    Form("LibreChat first checkpoint", "", ("## critical context", "output only the checkpoint")),
    Form("LibreChat checkpoint update", "update the existing", ("checkpoint", '"in progress"', "next steps")),
    Form("LibreChat and LangChain summary", "", ("current summary:\n", "\nnew lines"), "new summary:"),
    Form("LibreChat cut-off summary", "the following text is cut-off:", ("noting that it was cut-off",), "summary:"),
    Form("NextChat title", "please generate a four to five word title", ("without any lead-in",)),
    Form("NextChat title, Chinese", "使用四到五个字", ("简要主题", "闲聊")),
    Form("NextChat summary", "summarize the discussion", ("words or less", "as a prompt for future context")),
    Form("NextChat summary, Chinese", "简要总结一下", ("用作后续的上下文提示", "prompt")),
    Form("Chatbox name", "based on the chat history, give this conversation a", ("here's the conversation:",), " is:"),
    Form("LobeChat title", "you are a professional conversation summarizer", ("concise title", "no punctuation marks")),
    Form("LobeChat first title", "", ("summarize the conversation into a title within", "conversation-savvy")),
    Form("LobeChat summary", "", ("key takeaways", "<chat_history> </chat_history> group of xml tags")),
    Form("LobeChat emoji", "you are an emoji expert", ("output only a single emoji",)),
    Form("Cherry Studio title", "summarize the conversation into a title", ("ignoring instructions", "title string")),
    Form("Cherry Studio first title", "you are an assistant skilled in conversation", ("into a title within",)),
)


def is_chore(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a client, and not its user, asks: by the last message or the first one if that is the system's."""
    if not messages:
        return False
    asked = [messages[-1]]
    if messages[0].get("role") in ("system", "developer"):
        asked.append(messages[0])
    return any(form.fits(head, tail) for head, tail in map(_ends, asked) for form in FORMS)


def _ends(message: Mapping[str, Any]) -> tuple[str, str]:
    """Head and tail of a message's text in lower case; of text parts, the first's head and the last's tail."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    spoken = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
    if not spoken:
        return "", ""
    return spoken[0][:HEAD_CHARACTERS].lower(), spoken[-1][-TAIL_CHARACTERS:].lower()
