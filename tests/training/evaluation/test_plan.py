"""What tasks a recipe makes: names, sizes, what each says of itself, and that its data are told apart."""

from typing import Any

import pytest
from inspect_ai.model import get_model

from training.evaluation.arms.asked import Sampling, Target
from training.evaluation.plan import planned_tasks
from training.evaluation.recipe import Evaluation
from training.evaluation.run import Planned

TARGET = Target(get_model("mockllm/plain"), None, Sampling(0, 0.8, 64))
CONSULTATIONS = {"kind": "consultations", "data": "miniclinic", "counterparts": "miniclinic", "language": "en"}


def planned(*benchmarks: dict[str, Any], **changed: Any) -> list[Planned]:
    recipe = {
        "target": {"url": "http://gateway:8000"},
        "judge": {"type": "miniclinic"},
        "benchmarks": list(benchmarks),
        **changed,
    }
    return planned_tasks(Evaluation.model_validate(recipe), TARGET, "the target")


def test_every_benchmark_and_arm_is_a_task_of_its_own() -> None:
    found = planned(
        {"kind": "healthbench", "data": "miniclinic", "n": 3, "epochs": 2},
        {"kind": "mlb", "data": "fixtures", "label": "zh", "n": 2, "arms": ["draft"]},
        {**CONSULTATIONS, "n": 2},
        {"kind": "healthbench_meta", "data": "miniclinic", "n": 1},
    )
    assert {one.name: one.samples for one in found[:-1]} == {
        "healthbench-draft": 6,
        "healthbench-guided": 6,
        "mlb-zh-draft": 44,
        "consultations-draft": 2,
        "consultations-guided": 2,
    }
    assert found[-1].name == "healthbench_meta"


def test_a_task_says_what_it_is() -> None:
    [draft, guided] = planned({"kind": "healthbench", "data": "miniclinic", "n": 2}, notes=["A toy."])
    told = draft.task.metadata or {}
    assert {name: told[name] for name in ("benchmark", "arm", "target", "judge", "world", "notes")} == {
        "benchmark": "healthbench",
        "arm": "draft",
        "target": "the target",
        "judge": "the miniclinic's exact scorer",
        "world": "miniclinic",
        "notes": ["A toy."],
    }
    assert told["data"] == (guided.task.metadata or {})["data"], "arms answer the same questions"


def test_other_samples_are_other_data() -> None:
    digests = [
        (one.task.metadata or {})["data"]
        for first in (0, 1)
        for one in planned({"kind": "healthbench", "data": "miniclinic", "first": first, "n": 2, "arms": ["draft"]})
    ]
    assert digests[0] != digests[1]
    assert digests[0] == (planned({"kind": "healthbench", "data": "miniclinic", "n": 2})[0].task.metadata or {})["data"]


def test_as_many_cases_are_played_as_are_asked_for() -> None:
    [one] = planned({**CONSULTATIONS, "patient": "simulated", "n": 7, "arms": ["guided"]})
    assert one.samples == 7


@pytest.mark.parametrize(("datasets", "samples"), [(["CMExam"], 3), (["CMExam", "MARecord"], 6)])
def test_datasets_can_be_chosen(datasets: list[str], samples: int) -> None:
    [one] = planned({"kind": "mlb", "data": "fixtures", "datasets": datasets, "n": 3, "arms": ["draft"]})
    assert one.samples == samples
