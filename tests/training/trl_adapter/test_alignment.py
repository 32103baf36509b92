import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from training.miniclinic.datasets import cases_of, write_counterparts, write_queries, write_rubrics
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.rubrics import exact_row
from training.runs.folder import RunError, RunFolder
from training.trl_adapter.alignment import align, grpo_config
from training.trl_adapter.cli import main
from training.trl_adapter.settings import CrpoRecipe, GrpoRecipe

SEEDS = range(500, 506)
SIZES: dict[str, Any] = {
    "seed": 3,
    "model": "models/bundled",
    "steps": 4,
    "learning_rate": 1e-3,
    "rows_per_device": 4,
    "group": 2,
    "prompts_per_step": 2,
    "max_prompt_tokens": 400,
    "max_answer_tokens": 40,
    "buffer_tokens": 8,
    "checkpoint_every_steps": 2,
    "tracking": "none",
}
TIMES = ("seconds", "tokens_per_second")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, knowledge = tmp_path_factory.mktemp("data"), load_knowledge()
    rows = (exact_row(knowledge, case, name) for name, case in cases_of(knowledge, "train", SEEDS))
    write_rubrics(folder / "rubrics.jsonl", rows)
    write_queries(folder / "queries.jsonl", knowledge, SEEDS)
    write_counterparts(folder / "counterparts.jsonl", knowledge, SEEDS)
    return folder


def recipe_file(folder: Path, data: Path, method: str) -> Path:
    values = {**SIZES, "type": method}
    if method == "grpo":
        values["data"] = str(data / "rubrics.jsonl")
    else:
        weak = data / "weak.jsonl"
        weak.write_text(
            "".join(
                json.dumps({"prompt_id": f"train-{seed}", "counterparts": [{"label": "empty", "answer": "Well."}]})
                + "\n"
                for seed in SEEDS
            ),
            encoding="utf-8",
        )
        values |= {"data": str(data / "queries.jsonl"), "counterparts": str(weak), "refresh": True}
        values["max_answer_tokens"] = 200
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path = folder / f"{method}.toml"
    path.write_text("\n".join([*lines, 'judge = { type = "miniclinic", noise = 0.01 }']), encoding="utf-8")
    return path


def started(method: str, recipe: Path, out: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "training", method, "--config", str(recipe), "--out", str(out)]
    with (out.parent / f"{out.name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})


def killed_after(process: "subprocess.Popen[bytes]", metrics: Path, rows: int) -> None:
    """SIGKILL the run once it has logged so many steps, in the middle of the next."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.is_file() and metrics.read_bytes().count(b"\n") >= rows:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", ["grpo", "crpo"])
def test_a_killed_run_goes_on_to_the_same_result(method: str, data: Path, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, data, method)
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    assert started(method, recipe, whole).wait() == 0
    killed_after(started(method, recipe, torn), torn / "metrics.jsonl", 3)
    assert not (torn / "model").exists()
    assert started(method, recipe, torn).wait() == 0
    one, other = RunFolder.read(whole), RunFolder.read(torn)
    assert [row["step"] for row in other.metrics()] == [1, 2, 3, 4]
    assert without_times(other.metrics()) == without_times(one.metrics())
    assert list(other.rollouts()) == list(one.rollouts())
    assert len(other.made_with["resumed"]) == 1
    assert (torn / "report.html").is_file()
    assert {"reward.png", "length.png", "scores.png"} <= {path.name for path in (torn / "plots").iterdir()}
    weights, again = (load_file(path / "model" / "model.safetensors") for path in (whole, torn))
    assert all(bool((weights[name] == again[name]).all()) for name in weights)
    start = load_file("models/bundled/model.safetensors")
    assert any(bool((weights[name] != start[name]).any()) for name in weights if "experts" in name)
    if method == "crpo":
        stores = [(path / "counterparts" / "step-4.jsonl").read_text(encoding="utf-8") for path in (whole, torn)]
        assert stores[0] == stores[1]
        assert '"refreshes": 1' in stores[0]


def test_gspo_is_the_ratio_of_whole_answers_with_its_published_bounds(data: Path, tmp_path: Path) -> None:
    recipe = GrpoRecipe.model_validate(
        {**SIZES, "type": "grpo", "data": data / "rubrics.jsonl", "importance": "sequence"}
        | {"judge": {"type": "miniclinic"}}
    )
    config = grpo_config(recipe, RunFolder.open(tmp_path / "run", recipe))
    assert (config.importance_sampling_level, config.epsilon, config.epsilon_high) == ("sequence", 3e-4, 4e-4)
    assert (config.loss_type, config.scale_rewards, config.num_generations) == ("grpo", "none", 2)


def test_prompts_that_are_all_too_long_are_refused(data: Path, tmp_path: Path) -> None:
    values = {**SIZES, "type": "grpo", "data": data / "rubrics.jsonl", "judge": {"type": "miniclinic"}}
    recipe = GrpoRecipe.model_validate(values | {"max_prompt_tokens": 3})
    with pytest.raises(RunError, match="every one of 6 prompts is longer than 3 tokens"):
        align(recipe, tmp_path / "run")


def test_a_prompt_without_counterparts_is_refused(data: Path, tmp_path: Path) -> None:
    lines = (data / "counterparts.jsonl").read_text(encoding="utf-8").split("\n")
    (tmp_path / "few.jsonl").write_text("\n".join(lines[1:]), encoding="utf-8")
    recipe = CrpoRecipe.model_validate(
        {**SIZES, "type": "crpo", "data": data / "queries.jsonl", "counterparts": tmp_path / "few.jsonl"}
        | {"judge": {"type": "miniclinic"}}
    )
    with pytest.raises(RunError, match=r"few\.jsonl: no counterparts for 1 prompts, among them 'train-500'"):
        align(recipe, tmp_path / "run")


@pytest.mark.timeout(240)
def test_a_judge_that_is_not_there_ends_the_run_with_its_address(data: Path, tmp_path: Path) -> None:
    path = recipe_file(tmp_path, data, "grpo")
    engine = '{ type = "engine", urls = ["http://127.0.0.1:9"], model = "judge", retries = 0 }'
    text = path.read_text(encoding="utf-8").split("judge =")[0]
    path.write_text(f"{text}judge = {engine}\n", encoding="utf-8")
    assert started("grpo", path, tmp_path / "run").wait() == 1
    said = (tmp_path / "run.log").read_text(encoding="utf-8")
    assert "error: judge judge at http://127.0.0.1:9, 1 attempt: " in said
    assert "Traceback" not in said


def test_a_recipe_of_another_method_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sft", "--config", str(recipe_file(tmp_path, data, "grpo")), "--out", str(tmp_path / "run")]) == 1
    assert "grpo.toml: a recipe for grpo, not for sft" in capsys.readouterr().err
