import pytest

from principles.corpus import load_corpus
from service.revision.sentences import split
from training.miniclinic.knowledge import Knowledge, KnowledgeError, load_knowledge


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def test_world_is_as_large_as_promised(knowledge: Knowledge) -> None:
    assert len(knowledge.presentations) >= 40
    assert {p.task_type for p in knowledge.presentations.values()} >= {
        "triage", "treatment", "information", "medication", "interpretation", "documentation", "support",
    }  # fmt: skip


def test_every_sentence_is_one_unit_and_says_one_item(knowledge: Knowledge) -> None:
    assert [sentence for sentence in knowledge.said_by if len(split(sentence)) != 1] == []
    assert len(knowledge.said_by) == len(knowledge.fillers) + sum(len(i.answer) for i in knowledge.items.values())


def test_every_criterion_asks_for_one_item(knowledge: Knowledge) -> None:
    asked = sum(len(item.criterion) + len(item.fault) for item in knowledge.items.values())
    assert len(knowledge.asked_by) == asked


def test_every_cited_principle_exists(knowledge: Knowledge) -> None:
    known = {principle.id for principle in load_corpus().principles}
    for key in knowledge.items:
        cited = knowledge.principles_of(key)
        assert cited, key
        assert set(cited) <= known, key


def test_most_specific_principle_comes_first(knowledge: Knowledge) -> None:
    assert knowledge.principles_of("nsaid.avoid.kidney")[0] == "task_type.kidney-and-medicines"
    assert knowledge.principles_of("headache.emergency")[0] == "urgency.thunderclap-headache"
    assert knowledge.principles_of("headache.ask")[0] == "uncertainty.ask-the-deciding-fact"


def test_a_sentence_of_two_items_is_refused(knowledge: Knowledge) -> None:
    headache = knowledge.presentations["headache"]
    items = headache.items.model_copy(update={"explain": headache.items.act})
    twice = headache.model_copy(update={"items": items})
    doubled = Knowledge(generic=knowledge.generic, presentations={"headache": twice}, cited=knowledge.cited)
    with pytest.raises(KnowledgeError, match="stands for both"):
        _ = doubled.said_by
