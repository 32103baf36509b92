from pathlib import Path
from typing import Any

import pytest

from training.trl_adapter.settings import CrpoRecipe, SettingsError, load_recipe

GRPO = Path("training/configs/reproduce/miniclinic/grpo.toml")
CRPO = Path("training/configs/reproduce/miniclinic/crpo.toml")


def changed(path: Path, folder: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    copy = folder / "recipe.toml"
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "group = 8",
            "group = 6",
            "8 prompts of 6 rollouts are 48, but rows_per_device x accumulate x processes is 64",
        ),
        (
            "accumulate = 2",
            "accumulate = 2\nprocesses = 2",
            "are 64, but rows_per_device x accumulate x processes is 128",
        ),
        ("steps = 32\n", "steps = 32\nupdates_per_rollout = 3\n", "must be a multiple of updates_per_rollout"),
        ("buffer_tokens = 64", "buffer_tokens = 300", "buffer_tokens 300 exceeds max_answer_tokens 256"),
        ("seed = 1", 'seed = 1\nengine = "vllm_server"', "engine_url belongs to the engine vllm_server"),
        ("seed = 1", "seed = 1\ncolour = 2", "colour: Extra inputs are not permitted"),
        ("steps = 32\n", "steps = 0\n", "steps: Input should be greater than 0"),
        ('type = "grpo"', 'type = "ppo"', "'ppo'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=r"recipe\.toml: ") as refused:
        load_recipe(changed(GRPO, tmp_path, old, new))
    assert fault in str(refused.value)


def test_groups_that_straddle_processes_are_refused(tmp_path: Path) -> None:
    text = GRPO.read_text(encoding="utf-8")
    for old, new in (
        ("rows_per_device = 32", "rows_per_device = 4\nprocesses = 8"),
        ("accumulate = 2", "accumulate = 1"),
    ):
        text = text.replace(old, new)
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace("prompts_per_step = 8", "prompts_per_step = 4"), encoding="utf-8")
    with pytest.raises(SettingsError, match="must hold whole groups, or one straddles two processes"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"counterparts": None}, "counterparts are needed for comparisons with counterparts"),
        ({"arm": "absolute"}, "and for nothing else"),
        ({"pairs": "group", "counterparts": None, "refresh": True}, "refresh needs counterparts"),
    ],
)
def test_counterparts_belong_to_comparisons_with_them(change: dict[str, Any], fault: str) -> None:
    recipe = load_recipe(CRPO)
    with pytest.raises(ValueError, match=fault):
        CrpoRecipe.model_validate({**recipe.model_dump(), **change})


def test_an_absent_file_and_no_toml_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: No such file"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("= 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"bad\.toml: not TOML"):
        load_recipe(tmp_path / "bad.toml")
