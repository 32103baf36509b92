"""Recipes of evaluations: those in the repository are read, and what does not fit together is refused by name."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from models.registry import REPOSITORY
from training.evaluation.recipe import Evaluation, HealthBench, HealthBenchMeta, read_recipe
from training.trl_adapter.settings import SettingsError

RECIPES = sorted((REPOSITORY / "training" / "configs" / "evaluation").glob("*.toml"))
LEAST = {
    "target": {"url": "http://gateway:8000"},
    "judge": {"type": "miniclinic"},
    "benchmarks": [{"kind": "healthbench", "data": "miniclinic"}],
}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_here_is_read(path: Path) -> None:
    recipe = read_recipe(path)
    assert Evaluation.model_validate(recipe.model_dump(mode="json")) == recipe, "a run's folder gives it back"


def test_the_recipes_cover_every_benchmark() -> None:
    kinds = {benchmark.kind for path in RECIPES for benchmark in read_recipe(path).benchmarks}
    assert kinds == {"healthbench", "healthbench_meta", "mlb", "consultations"}


def test_arms_are_the_recipes_unless_a_benchmark_has_its_own() -> None:
    recipe = Evaluation.model_validate({**LEAST, "arms": ["draft", "guided"]})
    assert recipe.arms_of(HealthBench(kind="healthbench", data="miniclinic")) == ("draft", "guided")
    assert recipe.arms_of(HealthBench(kind="healthbench", data="miniclinic", arms=("plain",))) == ("plain",)
    assert recipe.arms_of(HealthBenchMeta(kind="healthbench_meta", data="miniclinic")) == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"target": {}}, "either url or serve"),
        ({"target": {"url": "http://a", "serve": "bundled"}}, "either url or serve"),
        ({"target": {"url": "http://a", "guided": False}}, "no gateway, which draft, guided would need"),
        ({"benchmarks": [LEAST["benchmarks"][0]] * 2}, "give one a label"),  # type: ignore[index]
        ({"benchmarks": []}, "at least 1"),
        ({"second_judge": {"type": "miniclinic"}}, "two judges are the same"),
        ({"sed": 1}, "sed"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Evaluation.model_validate({**LEAST, **changed})


def test_a_file_that_is_no_recipe_is_named(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("seed = ")
    with pytest.raises(SettingsError, match="not TOML"):
        read_recipe(path)
    with pytest.raises(SettingsError, match="No such file"):
        read_recipe(tmp_path / "absent.toml")
