from pathlib import Path

import pytest

from training.reproduce.settings import load_config
from training.trl_adapter.settings import SettingsError, load_recipe

CONFIGS = sorted(Path("training/configs/reproduce").glob("*.toml"))
RECIPES = {"sft": "sft", "merger": "sft", "judge": "judge", "grpo": "grpo", "crpo": "crpo", "absolute": "crpo"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_and_its_recipes_are_read(path: Path) -> None:
    config = load_config(path)
    assert config.start.is_dir()
    for name, kind in RECIPES.items():
        assert load_recipe(config.recipe(name)).type == kind


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_two_judgements_differ_in_nothing_but_the_question(path: Path) -> None:
    config = load_config(path)
    crpo, absolute = (load_recipe(config.recipe(name)).model_dump() for name in ("crpo", "absolute"))
    assert {key for key in crpo if crpo[key] != absolute[key]} == {"arm", "counterparts"}


def test_there_are_questions_for_every_step() -> None:
    config = load_config(Path("training/configs/reproduce/miniclinic.toml"))
    for name in ("grpo", "crpo", "absolute"):
        recipe = load_recipe(config.recipe(name))
        assert recipe.type in ("grpo", "crpo")
        assert recipe.steps * recipe.prompts_per_step <= config.cases.rollouts


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(CONFIGS[0].read_text(encoding="utf-8").replace("workers", "wrokers"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"r\.toml: .*wrokers"):
        load_config(path)
