"""The recipes for GPUs: each is read as a run reads it, and what its comments say of size and start is checked."""

import re
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file
from accelerate.commands.launch import launch_command_parser

from models.registry import REPOSITORY
from training.trl_adapter.settings import AnyRecipe, EngineJudge, JudgeRecipe, Rollouts, SftRecipe, load_recipe

CONFIGS = REPOSITORY / "training" / "configs"
METHODS = ("sft", "judge", "grpo", "crpo")
RECIPES = [path for method in METHODS for path in sorted((CONFIGS / method).glob("qwen3-*.toml"))]
ACCELERATE = sorted((CONFIGS / "accelerate").glob("*.yaml"))
NODES = {"1x8": 1, "4x8": 4}
CARD_GB = 85
COMMAND = re.compile(
    r"^# accelerate launch --config_file (\S+) -m training (\w+) --config (\S+) --out runs/\S+$", re.MULTILINE
)
OF_ONE_MACHINE = re.compile(r"(?<![\w:/])/(?:work|tmp|home|root|mnt|data|opt|usr)\b")


def named(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


def cluster(path: Path) -> ClusterConfig:
    config = load_config_from_file(str(path))
    assert isinstance(config, ClusterConfig)
    return config


def numbers(pattern: str, text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(pattern, text)]


@pytest.fixture(params=RECIPES, ids=named)
def path(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def recipe(path: Path) -> AnyRecipe:
    return load_recipe(path)


@pytest.fixture
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_both_models_have_every_method_on_one_node_and_their_own_on_four() -> None:
    assert {named(path) for path in RECIPES} == {
        *(f"{method}/qwen3-{size}-1x8.toml" for method in METHODS for size in ("4b", "30b-a3b")),
        *(f"{method}/qwen3-4b-4x8.toml" for method in ("sft", "grpo", "crpo")),
        "sft/qwen3-30b-a3b-4x8.toml",
    }


def test_it_is_of_the_method_and_size_that_its_place_says(path: Path, recipe: AnyRecipe) -> None:
    assert recipe.type == path.parent.name
    assert recipe.processes == 8 * NODES[path.stem.rpartition("-")[2]]
    assert recipe.model.lower() == f"qwen/{path.stem.rpartition('-')[0]}-instruct-2507"
    assert recipe.bf16
    assert recipe.gradient_checkpointing


def test_its_command_starts_it_with_as_many_processes(path: Path, recipe: AnyRecipe, text: str) -> None:
    [(accelerate, method, config)] = COMMAND.findall(text)
    assert REPOSITORY / config == path
    assert method == recipe.type
    assert cluster(REPOSITORY / accelerate).num_processes == recipe.processes
    assert ("--machine_rank" in text) == (recipe.processes > 8)


def test_adapters_are_not_sharded_and_whole_models_are(recipe: AnyRecipe, text: str) -> None:
    [(accelerate, _, _)] = COMMAND.findall(text)
    assert cluster(REPOSITORY / accelerate).distributed_type == ("MULTI_GPU" if recipe.lora else "FSDP")


def test_the_batch_is_as_its_comment_reckons(recipe: AnyRecipe, text: str) -> None:
    rows = recipe.rows_per_device * recipe.accumulate * recipe.processes
    if isinstance(recipe, SftRecipe | JudgeRecipe):
        factors = (recipe.rows_per_device, recipe.accumulate, recipe.processes, recipe.max_tokens)
        reckoned = " x ".join(f"{factor:,}" for factor in factors)
        assert f"# Tokens a step, packed: {reckoned} = {rows * recipe.max_tokens:,}" in text
    else:
        assert f"# A step: {recipe.prompts_per_step} prompts x {recipe.group} = {rows:,} rollouts" in text
        assert numbers(r"The judge: ([\d,]+) rollouts", text) == [rows]
        assert recipe.rows_per_device * recipe.accumulate % recipe.group == 0
        assert recipe.processes % recipe.engine_tensor_parallel == 0


def test_it_fits_the_card_by_its_own_arithmetic(text: str) -> None:
    totals = numbers(r"In all (\d+) GB of 85", text) + numbers(r"GB = (\d+) GB of 85", text)
    assert totals
    assert max(totals) <= 0.95 * CARD_GB
    assert "estimates by arithmetic, not measured here" in text


def test_a_mixture_of_experts_is_aligned_with_its_router_frozen_and_whole_answers(recipe: AnyRecipe) -> None:
    if isinstance(recipe, Rollouts):
        assert isinstance(recipe.judge, EngineJudge)
        assert recipe.beta == 0
        if "A3B" in recipe.model:
            assert recipe.lora is not None
            assert not recipe.lora.expert_parameters
            assert (recipe.importance, recipe.clip_low, recipe.clip_high) == ("sequence", 3e-4, 4e-4)
            assert recipe.updates_per_rollout == 1


@pytest.mark.parametrize("path", ACCELERATE, ids=named)
def test_accelerate_reads_its_files_and_knows_every_key(path: Path) -> None:
    config = cluster(path)
    assert (config.num_machines, config.num_processes) == (NODES[path.stem.rpartition("_")[2]], config.num_machines * 8)
    assert str(config.mixed_precision) == "bf16"
    options = {action.dest for action in launch_command_parser()._actions}
    assert set(config.fsdp_config) <= options
    if config.fsdp_config:
        assert config.fsdp_config["fsdp_version"] == 2
        # A run's checkpoints are read as safetensors, which sharded ones are not.
        assert config.fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT"
        # Activations are checkpointed by the recipe, and not twice.
        assert not config.fsdp_config["fsdp_activation_checkpointing"]


@pytest.mark.parametrize("path", [*RECIPES, *ACCELERATE], ids=named)
def test_no_path_of_one_machine_is_in_it(path: Path) -> None:
    assert not OF_ONE_MACHINE.search(path.read_text(encoding="utf-8"))
