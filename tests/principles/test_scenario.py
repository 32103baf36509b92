from collections import Counter
from pathlib import Path

import pytest

from principles.corpus import load_corpus
from principles.scenario import Exemplar, ScenarioClassifier, Turn, load_exemplars
from principles.schema import Scenario, TaskType, Urgency
from tests.principles.word_embedder import embed_words


def exemplar(text: str, urgency: Urgency, task_type: TaskType) -> Exemplar:
    scenario = Scenario(urgency=urgency, uncertainty="none", expertise="lay", task_type=task_type)
    return Exemplar(messages=(Turn(role="user", content=text),), scenario=scenario)


EXEMPLARS = (
    exemplar("crushing chest pain now", "emergent", "triage"),
    exemplar("severe chest pain and sweating", "emergent", "triage"),
    exemplar("what is a vaccine", "non_emergent", "information"),
    exemplar("what is cholesterol", "non_emergent", "information"),
)


def test_the_nearest_exemplars_decide() -> None:
    classifier = ScenarioClassifier(EXEMPLARS, embed_words, neighbours=2)
    found = classifier.classify(embed_words(["sudden chest pain"])[0])
    assert found.scenario == EXEMPLARS[0].scenario
    assert found.confidence["urgency"] == pytest.approx(1.0)
    assert classifier.classify(embed_words(["what is a virus"])[0]).scenario == EXEMPLARS[2].scenario


def test_the_confidence_is_the_share_of_the_vote() -> None:
    same = (exemplar("cough", "emergent", "triage"), *(exemplar("cough", "non_emergent", "triage") for _ in range(3)))
    found = ScenarioClassifier(same, embed_words, neighbours=4).classify(embed_words(["cough"])[0])
    assert found.scenario.urgency == "non_emergent"
    assert found.confidence["urgency"] == pytest.approx(0.75)
    assert found.confidence["expertise"] == pytest.approx(1.0)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    good = EXEMPLARS[0].model_dump_json()
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{"messages": []}}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:2"):
        load_exemplars(tmp_path)


def test_the_projects_exemplars_cover_every_label_and_name_real_principles() -> None:
    exemplars, corpus = load_exemplars(), load_corpus()
    assert len(exemplars) >= 400
    assert len({exemplar.text for exemplar in exemplars}) == len(exemplars)
    for dimension, least in {"urgency": 100, "uncertainty": 80, "expertise": 200, "task_type": 40}.items():
        counts = Counter(getattr(exemplar.scenario, dimension) for exemplar in exemplars)
        assert min(counts.values()) >= least, counts
    for item in exemplars:
        assert item.principles
        for id_ in item.principles:
            assert corpus.by_id(id_).applies.admits(item.scenario), (item.text, id_)
