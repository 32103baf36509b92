import pytest

from principles.corpus import load_corpus
from principles.evaluate import cross_validate, evaluate, evaluate_topic, load_heldout, load_heldout_topics, recall
from principles.retrieve import Hit, Retrieval, Retriever
from principles.scenario import load_exemplars


def test_the_held_out_questions_are_well_formed() -> None:
    questions, corpus = load_heldout(), load_corpus()
    assert len(questions) >= 220
    assert not {question.text for question in questions} & {exemplar.text for exemplar in load_exemplars()}
    for question in questions:
        assert 1 <= len(question.principles) <= 4
        for id_ in question.principles:
            assert corpus.by_id(id_).applies.admits(question.scenario), (question.text, id_)


def test_recall_is_the_share_found() -> None:
    question = load_heldout()[0]
    hit = Hit(load_corpus().by_id(question.principles[0]), 0.9)
    retrieval = Retrieval(question.scenario, {}, (hit,), 0.1, 0.1)
    assert recall(question, retrieval) == pytest.approx(1 / len(question.principles))
    assert recall(question, Retrieval(question.scenario, {}, (), 0.1, 0.1)) == 0.0


def test_without_questions_there_is_no_figure(bundled_retriever: Retriever) -> None:
    with pytest.raises(ValueError, match="no questions"):
        evaluate(bundled_retriever, [])


def test_without_labelled_principles_there_is_no_recall() -> None:
    question = load_heldout()[0].model_copy(update={"principles": ()})
    with pytest.raises(ValueError, match="no relevant principles"):
        recall(question, Retrieval(question.scenario, {}, (), 0.1, 0.1))


def test_the_bundled_encoder_reaches_the_bars(bundled_retriever: Retriever) -> None:
    evaluation = evaluate(bundled_retriever, load_heldout())
    figures = evaluation.as_dict()
    assert evaluation.n == len(load_heldout())
    for name in ("recall_at_8", "urgency", "uncertainty", "expertise", "task_type"):
        assert figures[name] >= 0.85, figures
    assert evaluation.embed_p50_ms > 0
    assert evaluation.search_p50_ms > 0


def test_talk_is_bypassed_and_no_emergency_ever(bundled_retriever: Retriever) -> None:
    queries = load_heldout_topics()
    evaluation = evaluate_topic(bundled_retriever, queries)
    assert evaluation.talk + evaluation.health == len(queries)
    assert evaluation.emergent_bypassed == 0
    assert evaluation.bypass_precision >= 0.9, evaluation
    assert evaluation.bypass_recall >= 0.9, evaluation
    assert evaluation.health_p50_ms > 0
    assert evaluation.talk_p50_ms > 0


def test_no_emergent_exemplar_is_bypassed_by_a_classifier_that_has_not_seen_it(bundled_retriever: Retriever) -> None:
    found = cross_validate(bundled_retriever.topic)
    assert found.talk + found.health == len(set(bundled_retriever.topic.rows.exemplars))
    assert found.emergent_bypassed == 0
    assert found.bypass_precision >= 0.9, found
    assert found.bypass_recall >= 0.9, found


def test_without_talk_there_is_no_bypass_to_measure(bundled_retriever: Retriever) -> None:
    queries = [query for query in load_heldout_topics() if query.topic == "emergent"][:3]
    with pytest.raises(ValueError, match="no talk to evaluate on"):
        evaluate_topic(bundled_retriever, queries)
