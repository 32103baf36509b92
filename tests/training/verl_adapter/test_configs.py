"""The launch configurations as YAML, without verl: that their figures fit together. verl's keys: in_verl/."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

CONFIGS = Path(__file__).parents[3] / "training" / "configs" / "verl"
RUNS = ("qwen3-30b-a3b-1x8", "qwen3-30b-a3b-4x8", "qwen3-4b-1x8", "qwen3-4b-4x8")
METHODS = ("crpo", "grpo")
EXPERTS = 128
H100_GB = 80
# Ray gives an asynchronous actor so many calls at once; a rollout holds one while it waits for its group.
CALLS_PER_WORKER = 1000


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    return loaded


def merged(one: Any, other: Any) -> Any:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return other
    return {
        key: merged(one[key], other[key]) if key in one and key in other else {**one, **other}[key]
        for key in {**one, **other}
    }


def whole(run: str, method: str) -> dict[str, Any]:
    """The layers of one run over each other, in the order of its defaults, verl's own left out."""
    config: dict[str, Any] = {}
    for name in ("shared", run.rpartition("-")[0], f"method/{method}", run):
        config = merged(config, load(name))
    return config


every_run = pytest.mark.parametrize("run", RUNS)
every_method = pytest.mark.parametrize("method", METHODS)


def test_these_are_all() -> None:
    assert sorted(path.stem for path in CONFIGS.glob("*-*x8.yaml")) == sorted(RUNS)
    assert sorted(path.stem for path in (CONFIGS / "method").glob("*.yaml")) == sorted(METHODS)


@every_run
def test_layers_are_what_the_run_lists(run: str) -> None:
    model = run.rpartition("-")[0]
    ours = ["shared", model, {"method": "???"}, "_self_", {"override model_engine": "megatron"}]
    assert load(run)["defaults"] == ["ppo_trainer", *ours]
    assert load(run)["trainer"]["experiment_name"] == f"{run}-${{judging.method}}"


@every_run
@every_method
def test_the_gpus_divide(run: str, method: str) -> None:
    config = whole(run, method)
    actor, rollout, trainer = (
        config["actor_rollout_ref"]["actor"],
        config["actor_rollout_ref"]["rollout"],
        config["trainer"],
    )
    megatron = actor["megatron"]
    nodes, per_node = (int(number) for number in run.rpartition("-")[2].split("x"))
    assert (trainer["nnodes"], trainer["n_gpus_per_node"]) == (nodes, per_node)
    world = nodes * per_node
    model_parallel = megatron["tensor_model_parallel_size"] * megatron["pipeline_model_parallel_size"]
    assert world % model_parallel == 0
    if "a3b" in run:
        experts = megatron["expert_model_parallel_size"] * megatron["expert_tensor_parallel_size"]
        assert world % (experts * megatron["pipeline_model_parallel_size"]) == 0
        assert EXPERTS % megatron["expert_model_parallel_size"] == 0
    assert per_node % rollout["tensor_model_parallel_size"] == 0


@every_run
@every_method
def test_batches_hold_whole_groups_for_every_rank(run: str, method: str) -> None:
    config = whole(run, method)
    actor, rollout = config["actor_rollout_ref"]["actor"], config["actor_rollout_ref"]["rollout"]
    prompts, update, group = config["data"]["train_batch_size"], actor["ppo_mini_batch_size"], rollout["n"]
    megatron = actor["megatron"]
    model_parallel = megatron["tensor_model_parallel_size"] * megatron["pipeline_model_parallel_size"]
    ranks = config["trainer"]["nnodes"] * config["trainer"]["n_gpus_per_node"] // model_parallel
    assert prompts % update == 0
    assert (update * group) % ranks == 0
    assert group >= 2
    assert 2 * prompts * group <= config["reward"]["num_workers"] * CALLS_PER_WORKER


@every_run
@every_method
def test_the_longest_sequence_fits(run: str, method: str) -> None:
    config = whole(run, method)
    actor, rollout, data = config["actor_rollout_ref"]["actor"], config["actor_rollout_ref"]["rollout"], config["data"]
    longest = data["max_prompt_length"] + data["max_response_length"]
    assert rollout["max_model_len"] == longest
    assert longest <= actor["ppo_max_token_len_per_gpu"]
    assert config["judging"]["buffer_tokens"] <= data["max_response_length"]


def parameters(run: str) -> tuple[float, float]:
    """Billions of parameters in experts and outside, by the published shapes."""
    if "a3b" in run:
        attention = 48 * (2 * 2048 * 4096 + 2 * 2048 * 512)
        return 48 * 128 * 3 * 2048 * 768 / 1e9, (attention + 48 * 2048 * 128 + 2 * 151936 * 2048) / 1e9
    return 0.0, (36 * (2 * 2560 * 4096 + 2 * 2560 * 1024 + 3 * 2560 * 9728) + 151936 * 2560) / 1e9


@pytest.mark.parametrize(
    ("run", "optimiser_gb", "in_training_gb"),
    [
        ("qwen3-30b-a3b-1x8", 45.8, 45),
        ("qwen3-30b-a3b-4x8", 11.4, 57),
        ("qwen3-4b-1x8", 6.0, 37),
        ("qwen3-4b-4x8", 1.5, 33),
    ],
)
def test_the_memory_in_the_comments_is_the_arithmetics(run: str, optimiser_gb: float, in_training_gb: float) -> None:
    actor = whole(run, "grpo")["actor_rollout_ref"]["actor"]
    megatron, world = actor["megatron"], int(run[-3]) * 8
    tensor, expert = megatron["tensor_model_parallel_size"], megatron.get("expert_model_parallel_size", 1)
    in_experts, outside = parameters(run)
    weights_and_gradients = (in_experts / expert + outside / tensor) * (2 + 4)
    optimiser = 12 * (in_experts / expert / (world / expert) + outside / tensor / (world / tensor))
    assert optimiser == pytest.approx(optimiser_gb, abs=0.1)
    on_cpu = actor["optim"].get("override_optimizer_config", {}).get("optimizer_cpu_offload", False)
    activations = 19
    assert weights_and_gradients + activations + (0 if on_cpu else optimiser) == pytest.approx(in_training_gb, abs=1)
    assert in_training_gb < H100_GB
    comments = (CONFIGS / f"{run}.yaml").read_text()
    assert f"= {optimiser_gb} GB" in comments
    assert f"= {in_training_gb} GB of 80" in comments


@every_method
def test_each_method_has_its_estimator_and_its_judging(method: str) -> None:
    config = whole(RUNS[0], method)
    assert config["algorithm"]["adv_estimator"] == {"grpo": "rubric_grpo", "crpo": "crpo"}[method]
    assert config["judging"]["method"] == method
    assert ("counterparts" in config["judging"]) is (method == "crpo")


@pytest.mark.parametrize(
    "arguments", [[], ["qwen3-4b-1x8"], ["qwen3-4b-2x8", "grpo"], ["qwen3-4b-1x8", "ppo"], ["shared", "grpo"]]
)
def test_launch_says_how_it_is_called(arguments: list[str]) -> None:
    done = subprocess.run([CONFIGS / "launch.sh", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("launch.sh RUN METHOD")
