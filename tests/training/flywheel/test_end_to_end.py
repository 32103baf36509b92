import json
from pathlib import Path

import pytest

from training.flywheel.cli import main
from training.flywheel.stages import stages


@pytest.mark.engine
@pytest.mark.slow
def test_one_turn_with_a_real_engine_and_gateway(tmp_path: Path) -> None:
    """A dozen revisions are reviewed through the API, trained on and evaluated; a second call does nothing."""
    given = ["--config", "training/configs/flywheel/smoke.toml", "--out", str(tmp_path)]
    assert main(given) == 0
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["stages"] == {"done": len(stages()), "of": len(stages())}
    assert figures["collect"]["revisions"] == 12
    assert figures["collect"]["feedback"] == figures["export"]["records"] >= 12
    assert figures["export"]["rows"]["train"]["labels"] > 0
    assert {"policy_draft_lift", "policy_guided_lift", "judge_accuracy_lift"} <= figures.keys()
    seconds = figures["seconds"]
    assert main(given) == 0
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["seconds"] == seconds
