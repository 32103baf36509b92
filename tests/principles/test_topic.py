import time
from collections import Counter
from collections.abc import Sequence
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
    MAX_CHARACTERS,
    MAX_PASSAGES,
    PASSAGE_CHARACTERS,
    Topic,
    TopicClassifier,
    load_talk,
    passages,
)
from tests.principles.word_embedder import embed_words

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
    return TopicClassifier(embed_words(list(texts)), list(texts.values()), embed_words)


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
    vectors, left_out = classifier().vectors, []
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


def test_passages_are_the_users_sentences_each_once_and_short() -> None:
    messages = said("One. Two!\nThree", "Not this.", "One. " + "word " * 60)
    found = passages(messages)
    assert found is not None
    assert found[:3] == ("One.", "Two!", "Three")
    assert " ".join(found[3:]) == ("word " * 60).strip()
    assert all(len(passage) <= PASSAGE_CHARACTERS for passage in found)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        said(""),
        [{"role": "system", "content": "Be kind."}],
        [{"role": "user", "content": None}],
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}],
            }
        ],
        said("hi", "hello", "a" * (MAX_CHARACTERS + 1)),
        said("\n".join(f"line {number}" for number in range(MAX_PASSAGES + 1))),
        said("我胸口疼"),
        said("Με πονάει το στήθος"),
    ],
)
def test_what_is_not_read_in_full_is_health(messages: list[Message]) -> None:
    assert passages(messages) is None
    assert health(classifier(), messages, "write a poem") == 1.0


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


def test_the_topic_takes_little_beside_the_embedding(bundled_retriever: Retriever) -> None:
    vector = bundled_retriever.topic.vectors[0]
    durations = []
    for _ in range(50):
        began = time.perf_counter()
        bundled_retriever.topic.health(said("My chest hurts when I climb the stairs."), vector)
        durations.append(time.perf_counter() - began)
    assert sorted(durations)[len(durations) // 2] < 0.0005
