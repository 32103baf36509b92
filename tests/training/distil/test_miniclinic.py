import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from principles.corpus import Corpus, load_corpus
from training.distil.merged import parse_merged
from training.distil.miniclinic import (
    HELD_OUT_PRESENTATIONS,
    held_out_criteria,
    merge_chats,
    rubric_rows,
    short_principle,
    true_principle,
)
from training.miniclinic.knowledge import Knowledge, load_knowledge

TOKENIZER = Path(__file__).parents[3] / "models" / "bundled" / "tokenizer.json"
MAX_PROMPT_TOKENS = 300
MAX_ANSWER_TOKENS = 80


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def test_training_shows_no_criterion_that_measures(knowledge: Knowledge, corpus: Corpus) -> None:
    held_out = held_out_criteria(knowledge)
    measured = {c.criterion for row in rubric_rows(knowledge, 200) for c in row.rubrics}
    assert measured <= held_out
    shown = "\n".join(chat[0]["content"] for chat in merge_chats(knowledge, corpus, 0, 500))
    lines = {line.removeprefix("- ") for line in shown.splitlines()}
    assert lines & set(knowledge.asked_by)
    assert not lines & held_out
    for presentation in HELD_OUT_PRESENTATIONS:
        assert set(knowledge.presentations[presentation].items.ask.criterion) <= held_out


def test_every_principle_that_is_measured_is_taught(knowledge: Knowledge) -> None:
    held_out = held_out_criteria(knowledge)
    taught = {true_principle(knowledge, text) for text in knowledge.asked_by if text not in held_out}
    assert {true_principle(knowledge, text) for text in held_out} <= taught


def test_answers_are_principles_of_the_corpus_and_short(knowledge: Knowledge, corpus: Corpus) -> None:
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    titles = {principle.title: principle for principle in corpus.principles}
    for question, answer in merge_chats(knowledge, corpus, 1, 300):
        merged = parse_merged(answer["content"])
        principle = titles[merged.title]
        assert principle.statement.startswith(merged.statement.rstrip("."))
        assert len(tokenizer.encode(answer["content"]).ids) <= MAX_ANSWER_TOKENS
        assert len(tokenizer.encode(question["content"]).ids) <= MAX_PROMPT_TOKENS
        assert set(json.loads(answer["content"])) == {"title", "statement", "polarity"}


def test_the_same_seed_gives_the_same_chats(knowledge: Knowledge, corpus: Corpus) -> None:
    first, again = (list(merge_chats(knowledge, corpus, 7, 20)) for _ in range(2))
    assert first == again
    assert first != list(merge_chats(knowledge, corpus, 8, 20))


def test_short_statements_stay_different(corpus: Corpus) -> None:
    short = [short_principle(principle).statement for principle in corpus.principles]
    assert len(set(short)) == len(corpus)
