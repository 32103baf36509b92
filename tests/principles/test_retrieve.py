from concurrent.futures import ThreadPoolExecutor

from principles.query import Message
from principles.retrieve import Retriever
from principles.schema import Scenario

STROKE: list[Message] = [
    {"role": "user", "content": "Her face droops on one side and her speech is slurred, just now."}
]
PENICILLIN: list[Message] = [
    {"role": "user", "content": "I need an antibiotic for tonsillitis."},
    {"role": "assistant", "content": "Do you have any allergies?"},
    {"role": "user", "content": [{"type": "text", "text": "Yes, I am allergic to penicillin."}]},
]


def test_a_stroke_is_emergent_and_brings_its_principle(bundled_retriever: Retriever) -> None:
    found = bundled_retriever.retrieve(STROKE)
    assert found.scenario == Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
    assert {"urgency.stroke-signs", "urgency.call-emergency-services"} <= {hit.principle.id for hit in found.hits}


def test_text_parts_of_a_conversation_are_read(bundled_retriever: Retriever) -> None:
    found = bundled_retriever.retrieve(PENICILLIN)
    assert found.scenario.urgency == "non_emergent"
    assert found.scenario.expertise == "lay"
    assert "task_type.drug-allergy" in {hit.principle.id for hit in found.hits}


def test_hits_are_admitted_ordered_and_at_most_top_k(bundled_retriever: Retriever) -> None:
    found = bundled_retriever.retrieve(STROKE, top_k=5)
    assert len(found.hits) == 5
    assert all(hit.principle.applies.admits(found.scenario) for hit in found.hits)
    similarities = [hit.similarity for hit in found.hits]
    assert similarities == sorted(similarities, reverse=True)
    assert all(0 < share <= 1 for share in found.confidence.values())


def test_an_empty_conversation_still_gets_a_scenario(bundled_retriever: Retriever) -> None:
    assert len(bundled_retriever.retrieve([]).hits) == 8


def test_threads_get_what_one_caller_gets(bundled_retriever: Retriever) -> None:
    alone = [bundled_retriever.retrieve(messages) for messages in (STROKE, PENICILLIN)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(bundled_retriever.retrieve, [STROKE, PENICILLIN] * 10))
    for number, found in enumerate(together):
        assert found.scenario == alone[number % 2].scenario
        assert found.hits == alone[number % 2].hits
