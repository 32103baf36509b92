import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel
from trl import SFTTrainer

from models.registry import REPOSITORY
from tests.training.trl_adapter.supervised import LORA, chat, recipe_for, same, weights, write_lines, write_tiny
from training.runs.folder import RunError, RunFolder
from training.trl_adapter import sft
from training.trl_adapter.chats import read_conversations
from training.trl_adapter.policy import load_policy, load_served, load_tokenizer
from training.trl_adapter.sequences import NOT_LEARNT, Sequences, encode_all, mean_loss
from training.trl_adapter.settings import load_recipe

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
SMOKE = REPOSITORY / "training" / "configs" / "smoke"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("data") / "chats.jsonl", [chat(n, n % 5 + 2) for n in range(2, 22)])


def sequences(data: Path, tiny: Path) -> Sequences:
    return encode_all(read_conversations(data).rows, load_tokenizer(str(tiny)), 64)


def losses(trainer: Any) -> tuple[float, int]:
    """Summed loss over what is learnt, and over how many tokens, of the trainer's own batches and own loss."""
    total, learnt = 0.0, 0
    for batch in trainer.get_train_dataloader():
        tokens = int((batch["labels"][:, 1:] != NOT_LEARNT).sum())
        with torch.no_grad():
            total += float(trainer.compute_loss(trainer.model, batch)) * tokens
        learnt += tokens
    return total, learnt


@pytest.mark.parametrize("packing", [True, False])
def test_packed_conversations_do_not_see_each_other(tiny: Path, data: Path, tmp_path: Path, packing: bool) -> None:
    recipe = recipe_for(tiny, data, packing=packing, router_loss_weight=0, rows_per_device=2)
    made = sequences(data, tiny)
    model = load_policy(str(tiny), recipe)
    tokenizer = load_tokenizer(str(tiny))
    trainer = SFTTrainer(
        model, sft.sft_config(recipe, tmp_path), train_dataset=made.dataset, processing_class=tokenizer
    )
    assert (len(trainer.train_dataset) < len(made.dataset)) is packing
    total, learnt = losses(trainer)
    assert learnt == made.learnt_tokens
    assert total / learnt == pytest.approx(mean_loss(load_policy(str(tiny), recipe).eval(), made.dataset), rel=1e-5)


def test_what_one_packed_conversation_says_is_nothing_to_the_next(tiny: Path, data: Path) -> None:
    """Positions that begin again part the rows, so long as no cache is kept, which TRL sees to."""
    model: PreTrainedModel = load_policy(str(tiny), recipe_for(tiny, data)).eval()
    first, second = torch.randint(5, 200, (2, 6)), torch.randint(5, 200, (1, 9))
    positions = torch.tensor([[*range(6), *range(9)]])
    with torch.no_grad():
        packed = [
            model(input_ids=torch.cat([row[None], second], 1), position_ids=positions, use_cache=False).logits
            for row in first
        ]
        alone = model(input_ids=second).logits
    torch.testing.assert_close(packed[0][:, 6:], packed[1][:, 6:], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(packed[0][:, 6:], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("lora", [None, LORA], ids=["whole", "lora"])
def test_it_learns_and_says_what_it_did(tiny: Path, data: Path, tmp_path: Path, lora: Any) -> None:
    recipe = recipe_for(tiny, data, held_out=data, lora=lora, learning_rate=0.02, log_every_steps=1)
    model = sft.train_sft(recipe, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    assert model == run.model == tmp_path / "run" / "model"
    rows = run.metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert set(rows[0]) == {"step", "loss", "learning_rate", "grad_norm", "entropy", "seconds", "tokens_per_second"}
    assert rows[0]["learning_rate"] == pytest.approx(0.02)
    assert rows[-1]["learning_rate"] == pytest.approx(0.02 / 6)
    made = sequences(data, tiny)
    assert run.finished is not None
    counted = {"sequences": 20, "tokens": made.tokens, "learnt_tokens": made.learnt_tokens, "too_long": 0}
    loss = run.finished["held_out"]["loss"]
    assert run.finished == {"conversations": 20, "ties": 0, **counted, "held_out": {**counted, "loss": loss}}
    assert loss == pytest.approx(mean_loss(load_served(model), made.dataset))
    assert loss < mean_loss(load_policy(str(tiny), recipe).eval(), made.dataset)


@pytest.mark.parametrize("lora", [None, LORA], ids=["whole", "lora"])
def test_it_runs_in_bfloat16_with_activations_checkpointed(tiny: Path, data: Path, tmp_path: Path, lora: Any) -> None:
    changes = {"bf16": True, "gradient_checkpointing": True, "steps": 2, "checkpoint_every_steps": 2, "lora": lora}
    model = sft.train_sft(recipe_for(tiny, data, **changes), tmp_path / "run")
    served, before = weights(model), weights(tiny)
    assert {tensor.dtype for tensor in served.values()} == {torch.bfloat16}
    moved = {name for name in before if not torch.equal(before[name].bfloat16(), served[name])}
    assert any("experts" in name for name in moved)


def test_the_same_recipe_gives_the_same_model_and_a_finished_run_is_left_alone(
    tiny: Path, data: Path, tmp_path: Path
) -> None:
    recipe = recipe_for(tiny, data, steps=2, checkpoint_every_steps=2)
    first, second = sft.train_sft(recipe, tmp_path / "first"), sft.train_sft(recipe, tmp_path / "second")
    assert same(weights(first), weights(second))
    before = (first / "model.safetensors").stat().st_mtime_ns
    assert sft.train_sft(recipe, tmp_path / "first") == first
    assert (first / "model.safetensors").stat().st_mtime_ns == before
    other = sft.train_sft(recipe.model_copy(update={"seed": 4}), tmp_path / "other")
    assert not same(weights(first), weights(other))


def test_the_router_is_balanced_only_when_asked(tiny: Path, data: Path, tmp_path: Path) -> None:
    without = sft.sft_config(recipe_for(tiny, data, router_loss_weight=0.0), tmp_path)
    assert (without.router_aux_loss_coef, without.report_to, without.packing_strategy) == (0.0, [], "bfd")
    assert not without.activation_checkpointing
    assert not without.logging_nan_inf_filter


def test_too_long_conversations_are_in_the_figures(tiny: Path, tmp_path: Path) -> None:
    data = write_lines(tmp_path / "chats.jsonl", [chat(2), chat(3, words=90), chat(4)])
    sft.train_sft(recipe_for(tiny, data, steps=1, checkpoint_every_steps=1), tmp_path / "run")
    finished = RunFolder.read(tmp_path / "run").finished
    assert finished is not None
    assert (finished["conversations"], finished["sequences"], finished["too_long"]) == (3, 2, 1)


def test_a_recipe_for_more_processes_than_run_is_refused(tiny: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^the recipe is for 8 processes, and 1 are running$"):
        sft.train_sft(recipe_for(tiny, data, processes=8), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_recipe_in_the_same_folder_is_refused(tiny: Path, data: Path, tmp_path: Path) -> None:
    recipe = recipe_for(tiny, data, steps=1, checkpoint_every_steps=1)
    sft.train_sft(recipe, tmp_path / "run")
    with pytest.raises(RunError, match=r"made with another configuration: learning_rate is 0.01 there, 0.5 now"):
        sft.train_sft(recipe.model_copy(update={"learning_rate": 0.5}), tmp_path / "run")


def test_nothing_is_sent_to_anyone(tiny: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("trl.trainer.base_trainer.send_telemetry", lambda *a, **k: sent.append((a, k)))
    monkeypatch.delenv("CI", raising=False)
    sft.train_sft(recipe_for(tiny, data, steps=1, checkpoint_every_steps=1), tmp_path / "run")
    assert sent == []


def test_the_smoke_recipe_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    recipe = load_recipe(SMOKE / "sft.toml")
    assert recipe.type == "sft"
    model = sft.train_sft(recipe, tmp_path / "run")
    finished = json.loads((tmp_path / "run" / "finished.json").read_text())
    assert finished["held_out"]["loss"] < 2.5
    assert load_tokenizer(str(model)).chat_template == load_tokenizer(recipe.model).chat_template


TYPED = [
    path
    for path in sorted((REPOSITORY / "training" / "configs").rglob("*.toml"))
    if tomllib.loads(path.read_text(encoding="utf-8")).get("type") in ("sft", "judge", "grpo", "crpo")
]


def test_the_smoke_recipes_are_there() -> None:
    assert {SMOKE / "sft.toml", SMOKE / "judge.toml"} <= set(TYPED)


@pytest.mark.parametrize("path", TYPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_recipe_is_read_by_its_type(path: Path) -> None:
    assert load_recipe(path).type == tomllib.loads(path.read_text(encoding="utf-8"))["type"]
