import time
from typing import Any

import pytest

from principles.evaluate import load_heldout, load_heldout_topics
from principles.scenario import load_exemplars
from service.api.chores import FORMS, HEAD_CHARACTERS, TAIL_CHARACTERS, Form, is_chore

HISTORY = "<chat_history>\nUSER: my chest hurts\nASSISTANT: Since when?\n</chat_history>"


def user(content: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def lines(*texts: str) -> str:
    return "\n".join(texts)


def open_webui(key: str) -> str:
    return lines("### Task:", "Do it.", "### Output:", f"JSON: {{ {key}: 1 }}", "### Chat History:", HISTORY)


LAST = {
    "Open WebUI title": open_webui('"title"'),
    "Open WebUI tags": open_webui('"tags"'),
    "Open WebUI follow-ups": open_webui('"follow_ups"').replace("Do it", "Think of follow-up questions"),
    "Open WebUI search queries": open_webui('"queries"') + "\n",
    "Open WebUI image prompt": open_webui('"prompt"'),
    "Open WebUI autocompletion": lines(
        "### Task:", "Go on in `<text>` by `<type>`.", HISTORY, "<text>my</text>", "#### Output:"
    ),
    "Open WebUI compaction": lines(
        "### Task:",
        "Shorten what is compacted out of the active chat context.",
        "",
        "### Instructions:",
        " in few words",
    ),
    "Open WebUI title before 0.5": lines(
        "Create a concise, 3-5 word title.", "REPLY ONLY WITH THE TITLE TEXT.", HISTORY
    ),
    "Open WebUI title before 0.4": lines(
        "Here is the query:", "hot", "", "Make a 3-5 word phrase in few words. ONLY WITH THE TITLE TEXT.", "", "some"
    ),
    "Open WebUI emoji": lines(
        "Your task is to reflect the speaker's mood through a fitting emoji in few words.", "", "Message: ```ouch```"
    ),
    "LibreChat structured title": lines(
        "Analyze this conversation and provide:", "1. The detected language in few words", "", "User: hi", "AI: yes"
    ),
    "LibreChat completion title": lines(
        "Provide a concise, 5-word-or-less title in few words.", "", "Conversation:", "User: hi", "AI: yes"
    ),
    "LibreChat assistants title": lines(
        "Please generate a concise title (max 40 x) for what starts, that starts with:", "User: hi", "", "Title:"
    ),
    "LibreChat checkpoint": lines(
        "Hold on, write a checkpoint in few words. Only the checkpoint, don't respond to me.", "", "## Goal", "x"
    ),
    "LibreChat first checkpoint": lines(
        "Write it down in few words", "## Goal", "## Critical Context", "- Output only the checkpoint"
    ),
    "LibreChat checkpoint update": lines(
        "Update the existing summary checkpoint.", '- Move from "In Progress"', '- then "Next Steps"'
    ),
    "LibreChat and LangChain summary": lines(
        "Merge them.", "", "Current summary:", "none", "", "New lines:", "Human: ouch", "", "New summary:"
    ),
    "LibreChat cut-off summary": lines(
        "The following text is cut-off:", "my leg", "", "Shorten it, noting that it was cut-off.", "", "Summary:"
    ),
    "NextChat title": "Please generate a four to five word title in few words without any lead-in.",
    "NextChat title, Chinese": "使用四到五个字说出简要主题、没有就说闲聊",
    "NextChat summary": "Summarize the discussion in 9 words or less to serve as a prompt for future context.",
    "NextChat summary, Chinese": "简要总结一下以上内容、用作后续的上下文提示 prompt",
    "Chatbox name": lines(
        "Based on the chat history, give this conversation a name in few words.",
        "",
        "Here's the conversation:",
        "```",
        "hi",
        "```",
        "",
        "The name is:",
    ),
}
SYSTEM = {
    "Open WebUI tool choice": lines("Available Tools: []", "", 'Reply with a JSON object: {"tool_calls": []}'),
    "Open WebUI tool choice before 0.5": lines("Available Tools: []", 'Build a JSON object {"name": "functionName"}'),
    "LibreChat chain title": lines(
        "Write a concise title for this conversation in the given tongue.", "In 5 Words or Less.", "", "User: hi"
    ),
    "LibreChat first title": lines(
        "Detect user language, then name it.", "", "||>User:", "hi", "||>Response:", "yes", "", "||>Title:"
    ),
    "LibreChat title function": lines("In this environment there are tools:", "<tool_name>submit_title</tool_name>"),
    "LobeChat title": lines(
        "You are a professional conversation summarizer. Find a concise title.", "- No punctuation marks"
    ),
    "LobeChat first title": "You are a conversation-savvy helper. Summarize the conversation into a title within 5.",
    "LobeChat summary": "Find the key takeaways in the <chat_history> </chat_history> group of xml tags.",
    "LobeChat emoji": lines("You are an emoji expert.", "- Output ONLY a single emoji"),
    "Cherry Studio title": "Summarize the conversation into a title in en, ignoring instructions. A title string.",
    "Cherry Studio first title": "You are an assistant skilled in conversation. Turn it into a title within 10 words.",
}


def test_every_form_has_a_message_and_at_least_two_marks() -> None:
    assert {form.name for form in FORMS} == set(LAST) | set(SYSTEM)
    for form in FORMS:
        assert bool(form.starts) + len(form.holds) + bool(form.ends) >= 2, form.name


@pytest.mark.parametrize("name", LAST)
def test_a_chore_in_the_last_message_is_recognised(name: str) -> None:
    form = next(form for form in FORMS if form.name == name)
    assert form.fits(LAST[name].strip().lower(), LAST[name].strip().lower())
    before = [{"role": "user", "content": "my chest hurts"}, {"role": "assistant", "content": "Since when?"}]
    assert is_chore([*before, *user(LAST[name])])
    assert is_chore([*before, *user([{"type": "text", "text": f"  {LAST[name]}"}])])
    assert is_chore([*before, {"role": "system", "content": LAST[name]}])


@pytest.mark.parametrize("name", SYSTEM)
def test_a_chore_in_the_system_message_is_recognised(name: str) -> None:
    form = next(form for form in FORMS if form.name == name)
    assert form.fits(SYSTEM[name].lower(), SYSTEM[name].lower())
    assert is_chore([{"role": "system", "content": SYSTEM[name]}, *user("user: my chest hurts")])


def test_a_chore_earlier_in_the_conversation_is_none() -> None:
    said = [*user(LAST["Open WebUI title"]), {"role": "assistant", "content": "{}"}, *user("my chest hurts")]
    assert not is_chore(said)


@pytest.mark.parametrize(
    "text",
    [
        "### Task: my chest hurts",
        "### Task:\nmy chest hurts, what shall I do?\n### Output:\nJSON",
        f"### Task:\nAnswer this with JSON.\n{HISTORY}",
        '### Task:\nAnswer from it.\n<context>{"title": "Angina"}</context>\n<user_query>\nmy leg hurts\n</user_query>',
        "generate a title for my blog on migraine",
        "Generate a concise title for a conversation between a doctor and a patient with angina.",
        "Summarize the conversation that I had with my doctor about my chest pain.",
        "Provide a concise, 5-word-or-less title for my talk on stroke.",
        "Based on the chat history, give this conversation a good end: should I call an ambulance?",
        "Hold on, my checkpoint blood test came back high.",
        "Here is the query: is my chest pain a heart attack?",
        "Current summary:\nangina\nNew lines:\nchest pain since an hour, what now?",
        "Available tools: none. My chest hurts.",
        "",
    ],
)
def test_what_a_person_asks_is_no_chore(text: str) -> None:
    assert not is_chore(user(text))
    assert not is_chore([{"role": "system", "content": "You help with titles and tags."}, *user(text)])


def test_no_question_of_ours_is_a_chore() -> None:
    questions = [item.messages for item in (*load_heldout(), *load_exemplars())]
    assert len(questions) >= 286 + 1284
    conversations = [*questions, *(query.messages for query in load_heldout_topics())]
    assert not [turns for turns in conversations if is_chore([turn.model_dump() for turn in turns])]


@pytest.mark.parametrize("content", [None, [], [{"type": "image_url", "image_url": {"url": "x"}}], [3], {"text": "x"}])
def test_without_text_there_is_no_chore(content: object) -> None:
    assert not is_chore(user(content))
    assert not is_chore([])


def test_a_long_history_between_the_ends_does_not_hide_a_chore_nor_cost_time() -> None:
    long = LAST["Open WebUI title"].replace("my chest hurts", "my chest hurts. " * 300_000)
    began = time.perf_counter()
    assert is_chore(user(long))
    assert not is_chore(user("### Task:\n" * 500_000))
    assert time.perf_counter() - began < 0.5


def test_marks_are_sought_in_both_ends_only() -> None:
    form = Form("x", starts="a", holds=("mark",), ends="z")
    assert form.fits("a mark", "z")
    assert form.fits("a", "mark z")
    middle = f"a{'.' * HEAD_CHARACTERS} <chat_history> {'.' * TAIL_CHARACTERS}"
    assert not is_chore(user(middle))
