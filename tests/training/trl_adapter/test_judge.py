import json
from pathlib import Path
from typing import Any

import pytest
import torch

from models.registry import REPOSITORY
from tests.training.trl_adapter.supervised import BUNDLED
from training.data.judge_labels import JudgeLabel
from training.runs.folder import RunError, RunFolder
from training.trl_adapter.judge import split_by_question, train_judge
from training.trl_adapter.policy import load_tokenizer
from training.trl_adapter.settings import JudgeRecipe, load_recipe

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
SMOKE = REPOSITORY / "training" / "configs" / "smoke" / "judge.toml"


def label(question: int, number: int) -> JudgeLabel:
    row: dict[str, Any] = {
        "id": f"{question}-{number}",
        "prompt": [{"role": "user", "content": f"Question {question}?"}],
    }
    row |= {"answer": "Ten.", "criterion": f"Says {number}", "met": number == 10, "labelled_by": "test"}
    return JudgeLabel.model_validate(row)


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> JudgeRecipe:
    torch.set_num_threads(1)
    monkeypatch.chdir(REPOSITORY)
    found = load_recipe(SMOKE)
    assert isinstance(found, JudgeRecipe)
    return found


def test_labels_of_one_question_stay_together_whatever_their_order() -> None:
    labels = [label(question, number) for question in range(30) for number in range(3)]
    train, tuning = split_by_question(labels)
    assert (len(train), len(tuning)) == (81, 9)
    assert not {row.prompt for row in train} & {row.prompt for row in tuning}
    backwards = split_by_question(labels[::-1])
    assert {row.id for row in backwards[1]} == {row.id for row in tuning}
    assert split_by_question(labels[:3]) == (labels[:3], [])


def test_the_smoke_recipe_runs_and_says_what_the_judge_is_worth(recipe: JudgeRecipe, tmp_path: Path) -> None:
    model = train_judge(recipe, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    finished: dict[str, Any] = run.finished or {}
    assert (model / "model.safetensors").is_file()
    assert len(run.metrics()) == recipe.steps
    assert finished["prompts"].startswith("compact@")
    assert (finished["labels"], finished["tuning"], finished["held_out"], finished["sequences"]) == (2, 0, 2, 2)
    assert (finished["n"], finished["parse_failures"], finished["held_out_too_long"]) == (2, 0, 0)
    assert (finished["accuracy"], finished["f1"], finished["kappa"]) == (1.0, 1.0, 1.0)
    assert finished["threshold"] == finished["at_half"]["threshold"] == 0.5
    assert 0 <= finished["brier"] < 0.05
    before = (model / "model.safetensors").stat().st_mtime_ns
    assert train_judge(recipe, tmp_path / "run") == model
    assert (model / "model.safetensors").stat().st_mtime_ns == before


def test_held_out_labels_that_are_too_long_are_counted_and_not_judged(recipe: JudgeRecipe, tmp_path: Path) -> None:
    held_out = tmp_path / "held_out.jsonl"
    rows = [
        label(1, 10).model_dump(mode="json", exclude_none=True),
        label(1, 9).model_dump(mode="json", exclude_none=True),
    ]
    rows[1]["answer"] = "Ten. " * 600
    held_out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    short = recipe.model_copy(update={"held_out": held_out, "steps": 1})
    train_judge(short, tmp_path / "run")
    finished = RunFolder.read(tmp_path / "run").finished
    assert finished is not None
    assert (finished["held_out"], finished["held_out_too_long"], finished["n"] + finished["parse_failures"]) == (
        2,
        1,
        1,
    )


def test_a_template_that_has_something_written_before_the_verdict_is_refused(
    recipe: JudgeRecipe, tmp_path: Path
) -> None:
    tokenizer = load_tokenizer(str(BUNDLED))
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{% if m['role'] == 'assistant' %}Thought: {% endif %}{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    folder = tmp_path / "thinker"
    tokenizer.save_pretrained(folder)
    with pytest.raises(RunError, match=f"^the chat template of {folder} has '.+' written before a verdict$"):
        train_judge(recipe.model_copy(update={"model": str(folder)}), tmp_path / "run")
