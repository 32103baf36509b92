import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.registry import REPOSITORY
from training.export.cli import main
from training.export.evaluation import evaluate_checkpoint
from training.export.scores import CaseScore, scores_of, write_scores

BUNDLED = REPOSITORY / "models" / "bundled"
CASES = 8


def file_of(path: Path, guided: float) -> str:
    write_scores(path, [CaseScore(id=str(number), guided=guided) for number in range(5)])
    return str(path)


def test_files_of_scores_pass_or_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = file_of(tmp_path / "good.jsonl", 0.8), file_of(tmp_path / "bad.jsonl", 0.4)
    assert main(["gate", "--scores", good, bad, "--json"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "passed: the candidate may be served" in said
    decision = json.loads(said[-1])
    assert decision["passed"]
    assert decision["difference"]["mean"] == pytest.approx(0.4)
    assert decision["candidate"]["verdict_accuracy"] is None
    assert main(["gate", "--scores", bad, good]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1].strip() == (
        "guided score: the whole interval of the difference is below zero, -0.400 [-0.400, -0.400]"
    )


def test_wrong_questions_have_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = file_of(tmp_path / "good.jsonl", 0.8)
    assert main(["gate", "--scores", good, str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    for given in (["gate"], ["gate", "a"], ["gate", "a", "--scores", good, good]):
        with pytest.raises(SystemExit) as stop:
            main(given)
        assert stop.value.code == 2
    assert main(["gate", str(tmp_path), "--against", str(tmp_path), "--out", str(tmp_path / "gate")]) == 2
    assert "no checkpoint" in capsys.readouterr().err


@pytest.mark.engine
def test_the_bundled_model_passes_against_itself_and_a_damaged_copy_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--cases", str(CASES), "--first-seed", "5000", "--out", str(tmp_path / "gate")]
    assert main(["gate", str(BUNDLED), "--against", str(BUNDLED), *asked]) == 0
    assert f"on {CASES} cases" in capsys.readouterr().out
    results = evaluate_checkpoint(damaged(tmp_path / "damaged"), CASES, 5000, logs=tmp_path / "logs")
    write_scores(tmp_path / "damaged.jsonl", scores_of(results))
    served = tmp_path / "gate" / "served" / "scores.jsonl"
    assert main(["gate", "--scores", str(tmp_path / "damaged.jsonl"), str(served)]) == 1
    assert "guided score: the whole interval of the difference is below zero" in capsys.readouterr().out


def damaged(folder: Path) -> Path:
    """The bundled model with noise of half the deviation of each weight."""
    shutil.copytree(BUNDLED, folder)
    torch.manual_seed(0)
    tensors = load_file(folder / "model.safetensors")
    noisy = {name: tensor + 0.5 * tensor.std() * torch.randn_like(tensor) for name, tensor in tensors.items()}
    save_file(noisy, folder / "model.safetensors", metadata={"format": "pt"})
    return folder
