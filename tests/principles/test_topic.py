import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from principles.embedding import Vectors
from principles.evaluate import load_heldout_topics
from principles.query import Message
from principles.retrieve import Retrieval, Retriever
from principles.scenario import load_exemplars
from principles.schema import Scenario
from principles.topic import (
    HEALTH_THRESHOLD,
    MARGIN,
    Rows,
    Topic,
    TopicClassifier,
    load_talk,
)
from principles.wording import Wording, load_word_lists
from tests.principles.word_embedder import embed_words

FOLDER = Path(__file__).parent
NEW_WORDINGS = (FOLDER / "emergencies.txt").read_text(encoding="utf-8").splitlines()
REVIEWED = (FOLDER / "reviewed_emergencies.txt").read_text(encoding="utf-8").splitlines()
WRAPPINGS: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps({"task": "classify", "text": text, "labels": ["a", "b"]}),
    "xml": lambda text: f"<user_query>\n  <text lang='en'>{text}</text>\n</user_query>",
    "key_value": lambda text: f"input: {text}; lang: en; format: markdown; tone: friendly",
    "clause": lambda text: f"Please plan my trip to Rome, since {text.rstrip('.?!')}, also a hotel near the station.",
    "code": lambda text: f"```python\nmessages = ['hello', '{text}']\nprint(messages[0])\n```\nwhat does this print?",
    "no_commas": lambda text: (
        f"we need a table for four near the harbour on saturday and because {text.rstrip('.?!')} "
        "also two tickets for the museum and a taxi back to the hotel"
    ),
}
GENERIC = (
    "You are a helpful assistant.",
    "You are ChatGPT, a large language model trained by OpenAI. Knowledge cutoff: 2023-10. Current date: 2024-05-01.",
    "You are Nova, the friendly assistant of Brightline Telecom. Answer in the customer's language, never invent "
    "prices, and hand over to a human colleague when a customer asks for one.",
    "You are an expert Python programmer. Reply with code first and a short explanation after it.",
    "You are an AI assistant for Hotel Adler. Be polite, keep answers under 120 words and only talk about the hotel, "
    "its restaurant and trips in the area.",
    "Answer the user's question using only the provided context. If it is not in there, say that you don't know.",
)
TEXTS: dict[str, Topic] = {
    "chest pain now": "emergent",
    "pain in the chest, sweating": "emergent",
    "a cough since monday": "health",
    "a cough and a cold": "health",
    "write a poem about the sea": "talk",
    "write a song about the rain": "talk",
    "write a poem": "talk",
}


def classifier(texts: dict[str, Topic] = TEXTS) -> TopicClassifier:
    rows = Rows(embed_words(list(texts)), tuple(texts.values()), tuple(range(len(texts))))
    talk = [text for text, topic in texts.items() if topic == "talk"]
    return TopicClassifier(
        rows, Wording(load_word_lists(), talk, [text for text in texts if text not in talk]), embed_words
    )


def asked(text: str, *before: Message) -> list[Message]:
    return [*before, {"role": "user", "content": text}]


def system(text: str, role: str = "system") -> Message:
    return {"role": role, "content": text}


def said(*texts: str) -> list[Message]:
    return [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(texts)]


def health(topic: TopicClassifier, messages: Sequence[Message], rendered: str) -> float:
    return topic.health(messages, embed_words([rendered])[0])


def test_health_and_talk_lie_on_either_side_of_the_threshold() -> None:
    topic = classifier()
    assert health(topic, said("pain in my chest"), "pain in my chest") > HEALTH_THRESHOLD
    assert health(topic, said("write a poem about rain"), "write a poem about rain") < HEALTH_THRESHOLD


def test_the_lowest_emergent_exemplar_left_out_lies_a_margin_above_the_threshold() -> None:
    topics = list(TEXTS.values())
    vectors, left_out = classifier().rows.vectors, []
    whole = classifier()
    for row in (0, 1):
        kept = [other for other in range(len(topics)) if other != row]
        rows = vectors[kept] - vectors.mean(axis=0)
        left_out.append(refitted(rows, [topics[other] for other in kept], vectors[row] - vectors.mean(axis=0)))
    shift = HEALTH_THRESHOLD + MARGIN - min(left_out)
    everything = refitted(vectors - vectors.mean(axis=0), topics, vectors[4] - vectors.mean(axis=0))
    assert whole.score(vectors[4]) == pytest.approx(everything + shift, abs=1e-4)


def refitted(rows: Vectors, topics: Sequence[Topic], query: Vectors) -> float:
    weights = np.array([16.0 if topic == "emergent" else 1.0 for topic in topics])
    targets = np.array([topic != "talk" for topic in topics], dtype=float)
    x = np.column_stack([rows, np.ones(len(rows))]).astype(float)
    solved = np.linalg.solve(x.T @ (x * weights[:, None]) + 4.0 * np.eye(x.shape[1]), x.T @ (weights * targets))
    return float(np.append(query, 1.0) @ solved)


def test_without_an_emergent_exemplar_there_is_no_threshold() -> None:
    with pytest.raises(ValueError, match="no exemplar is emergent"):
        classifier({"a cough": "health", "a poem": "talk"})


def test_one_sentence_about_health_among_talk_is_enough() -> None:
    topic = classifier()
    text = "write a poem about the sea. write a song about the rain. pain in the chest. write a poem."
    assert topic.score(embed_words([text])[0]) < HEALTH_THRESHOLD < health(topic, said(text), text)
    earlier = said("pain in the chest", "write", "write a poem", "write", "write a song", "write", "write a poem")
    assert health(topic, earlier, "write a poem about the sea") > HEALTH_THRESHOLD


def test_what_is_not_read_in_full_is_health() -> None:
    assert health(classifier(), said("我胸口疼"), "write a poem") == 1.0


def test_system_developer_and_assistant_text_is_read() -> None:
    topic, talk = classifier(), "write a poem about the sea"
    assert health(topic, asked(talk, system("write a song")), talk) < HEALTH_THRESHOLD
    for role in ("system", "developer", "assistant"):
        messages = asked(talk, {"role": "user", "content": talk}, system("pain in the chest", role), *said(talk, talk))
        assert health(topic, messages, talk) > HEALTH_THRESHOLD, role


def test_the_rows_of_an_exemplar_are_left_out_together() -> None:
    rows = Rows(np.eye(3, dtype=np.float32), ("talk", "emergent", "talk"), (0, 1, 0))
    kept = rows.without([0])
    assert (kept.topics, kept.exemplars, kept.vectors.tolist()) == (("emergent",), (1,), [[0.0, 1.0, 0.0]])


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    good = '{"messages": [{"role": "user", "content": "hi"}], "topic": "talk"}'
    (tmp_path / "a.jsonl").write_text(f"{good}\n{good.replace('talk', 'chat')}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:2"):
        load_talk(tmp_path)


def test_the_exemplars_and_the_held_out_queries_are_many_and_share_no_text() -> None:
    exemplars, heldout = load_talk(), load_heldout_topics()
    own = [*(exemplar.text for exemplar in exemplars), *(exemplar.text for exemplar in load_exemplars())]
    assert len(set(own)) == len(own)
    assert not {text.casefold() for text in own} & {query.text.casefold() for query in heldout}
    counts = Counter(query.topic for query in heldout)
    assert Counter(exemplar.topic for exemplar in exemplars)["talk"] >= 300
    assert counts["talk"] >= 200
    assert counts["emergent"] >= 60 + 53
    assert counts["health"] + counts["emergent"] >= 286 + 100


def test_a_retrieval_is_about_health_unless_it_says_otherwise() -> None:
    scenario = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
    assert Retrieval(scenario, {}, (), 0.1, 0.1).is_health
    assert not Retrieval(scenario, {}, (), 0.1, 0.1, HEALTH_THRESHOLD - 0.01).is_health


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["hi"], False),
        (["thanks!"], False),
        (["Write a Python function that adds two numbers."], False),
        (["I have had a cough for three weeks.", "See a doctor about it.", "thanks"], True),
        (["My chest hurts.", "Call an ambulance now.", "ok", "Good.", "thanks", "Glad to help.", "bye"], True),
        (["hi", "Do you have chest pain right now?", "yes"], True),
        (["Please sort this list in Python for me. It has ten names. Also I suddenly cannot breathe well."], True),
        ([""], True),
    ],
)
def test_a_conversation_is_talk_only_as_a_whole(bundled_retriever: Retriever, turns: list[str], expected: bool) -> None:
    assert bundled_retriever.retrieve(said(*turns)).is_health is expected


def test_a_symptom_in_the_middle_of_a_long_message_is_seen(bundled_retriever: Retriever) -> None:
    talk = "Please rewrite the agenda of the meeting on Thursday. The budget is on page two. The client likes blue. "
    assert not bundled_retriever.retrieve(said(talk)).is_health
    assert bundled_retriever.retrieve(said(f"{talk * 5}My left arm is numb and my chest hurts. {talk * 5}")).is_health


def test_new_wordings_of_emergencies_are_not_exemplars() -> None:
    assert len(NEW_WORDINGS) >= 60
    own = {e.text.casefold() for e in load_talk()} | {e.text.casefold() for e in load_exemplars()}
    assert not own & {text.casefold() for text in NEW_WORDINGS}


def test_no_new_wording_of_an_emergency_and_none_that_a_review_found_is_bypassed(bundled_retriever: Retriever) -> None:
    assert not [t for t in NEW_WORDINGS + REVIEWED if not bundled_retriever.retrieve(asked(t)).is_health]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_no_emergency_is_lost_in_a_wrapping(bundled_retriever: Retriever, wrapping: str) -> None:
    emergent = [[turn.model_dump() for turn in q.messages] for q in load_heldout_topics() if q.topic == "emergent"]
    wrapped = [asked(WRAPPINGS[wrapping](turns[-1]["content"]), *turns[:-1]) for turns in emergent]
    assert len(wrapped) >= 110
    assert not [messages for messages in wrapped if not bundled_retriever.retrieve(messages).is_health]


def test_no_emergency_is_lost_before_a_request_about_it(bundled_retriever: Retriever) -> None:
    emergent = [query.text for query in load_heldout_topics() if query.topic == "emergent"]
    request = "Summarise this for me in two sentences."
    assert not bundled_retriever.retrieve(asked(request)).is_health
    bypassed = [
        t for t in emergent if not bundled_retriever.retrieve(asked(request, system(f"Context: {t}"))).is_health
    ]
    assert not bypassed
    context = system("Context: the patient, 71, has chest pain and a potassium of 7.2.", "developer")
    assert bundled_retriever.retrieve(asked(request, context)).is_health


@pytest.mark.parametrize("prompt", GENERIC)
def test_talk_is_bypassed_behind_a_generic_system_prompt(bundled_retriever: Retriever, prompt: str) -> None:
    talk = [query.messages[-1].content for query in load_heldout_topics() if query.topic == "talk"][::5]
    found = [bundled_retriever.retrieve(asked(text, system(prompt))) for text in talk]
    assert sum(not retrieval.is_health for retrieval in found) >= 0.85 * len(talk)


def test_behind_a_medical_system_prompt_everything_is_health(bundled_retriever: Retriever) -> None:
    messages = asked("Write a haiku about autumn leaves.", system("You are a careful medical assistant."))
    assert not bundled_retriever.retrieve(messages[1:]).is_health
    assert bundled_retriever.retrieve(messages).is_health


def test_the_topic_takes_little_beside_the_embedding(bundled_retriever: Retriever) -> None:
    vector = bundled_retriever.topic.rows.vectors[0]
    durations = []
    for _ in range(50):
        began = time.perf_counter()
        bundled_retriever.topic.health(said("My chest hurts when I climb the stairs."), vector)
        durations.append(time.perf_counter() - began)
    assert sorted(durations)[len(durations) // 2] < 0.0002
