from pathlib import Path

import pytest

from training.reproduce.stages import ARMS, stages
from training.runs.files import RunError
from training.runs.stages import Results


def test_every_stage_comes_after_all_it_needs() -> None:
    seen: set[str] = set()
    for stage in stages([1, 2, 3]):
        assert seen.issuperset(stage.needs), stage
        assert stage.name not in seen
        seen.add(stage.name)


def test_each_seed_trains_every_arm_and_the_first_one_is_served() -> None:
    names = [stage.name for stage in stages([7, 8])]
    assert {f"align:{arm}:{seed}" for arm in ARMS for seed in (7, 8)} <= set(names)
    assert {name for name in names if name.startswith("guided")} == {
        "guided:start",
        "guided:sft",
        "guided:grpo:7",
        "guided:crpo:7",
        "guided:absolute:7",
    }


def test_the_synthesised_arm_waits_for_its_rubrics() -> None:
    [stage] = [stage for stage in stages([1]) if stage.name == "align:synthesised:1"]
    assert stage.needs == ("sft", "synthesise")
    assert (stage.kind, stage.subject) == ("align", "synthesised:1")


def test_a_stage_without_a_whole_result_is_not_done(tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.of("align:grpo:1") is None
    results.put("align:grpo:1", {"seconds": 1})
    assert Results(tmp_path).of("align:grpo:1") == {"seconds": 1}


@pytest.mark.parametrize("name", ["data", "align:grpo:1"])
def test_logs_lie_beside_results(tmp_path: Path, name: str) -> None:
    assert Results(tmp_path).log(name).parent == tmp_path / "stages"


def test_two_processes_are_not_at_one_stage(tmp_path: Path) -> None:
    with (
        Results(tmp_path).alone("sft"),
        pytest.raises(RunError, match="sft: another process is at it"),
        Results(tmp_path).alone("sft"),
    ):
        pass
    with Results(tmp_path).alone("sft"):
        assert Results(tmp_path).of("sft") is None
