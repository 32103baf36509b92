from pathlib import Path

from training.evaluation.audit.labels import joined
from training.evaluation.audit.miniclinic import exact, labelled
from training.miniclinic.knowledge import load_knowledge


def test_labels_of_held_out_cases_are_the_scorers(tmp_path: Path) -> None:
    knowledge = load_knowledge()
    items = labelled(tmp_path / "labels.jsonl", knowledge, range(6))
    assert len({item.case for item in items}) == 6
    assert {item.groups["axis"] for item in items} >= {"accuracy", "completeness", "communication_quality"}
    assert {item.groups["points"] for item in items} == {"wanted", "fault"}
    assert {item.labels for item in items} == {(True,), (False,)}
    label = exact(knowledge)
    assert all(label(item.answer, item.criterion) == item.labels for item in items)
    assert label(items[0].answer, "A criterion of another world") is None
    assert joined(items) == items
