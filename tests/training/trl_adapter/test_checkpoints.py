import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback
from trl import SFTTrainer

from models.registry import REPOSITORY
from tests.training.trl_adapter.supervised import (
    LORA,
    Interrupted,
    Stop,
    chat,
    recipe_for,
    same,
    weights,
    write_lines,
    write_tiny,
)
from training.runs.folder import RunError, RunFolder
from training.trl_adapter import sft
from training.trl_adapter.callbacks import FolderCallback
from training.trl_adapter.chats import read_conversations
from training.trl_adapter.checkpoints import discard_torn, latest_checkpoint, replace_folder, resume_exactly, step_of
from training.trl_adapter.policy import load_policy, load_tokenizer
from training.trl_adapter.sequences import encode_all
from training.trl_adapter.settings import Lora, SftRecipe

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
TIMES = ("seconds", "tokens_per_second")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("data") / "chats.jsonl", [chat(n, n % 5 + 2) for n in range(2, 42)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Path, data: Path) -> Path:
    """A finished run without a break."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    sft.train_sft(recipe_for(tiny, data), folder)
    return folder


def trainer_for(recipe: SftRecipe, folder: Path, callbacks: list[TrainerCallback]) -> SFTTrainer:
    model = load_policy(recipe.model, recipe)
    tokenizer = load_tokenizer(recipe.model)
    rows = encode_all(read_conversations(recipe.data).rows, tokenizer, recipe.max_tokens)
    arguments = sft.sft_config(recipe, folder)
    return SFTTrainer(model, arguments, train_dataset=rows.dataset, processing_class=tokenizer, callbacks=callbacks)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in RunFolder.read(folder).metrics()]


def optimiser_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    states = torch.load(checkpoint / "optimizer.pt", weights_only=True)["state"]
    return {f"{number}.{name}": value for number, state in states.items() for name, value in state.items()}


def assert_equal_runs(first: Path, second: Path) -> None:
    assert rows_of(first) == rows_of(second)
    assert same(weights(first / "model"), weights(second / "model"))
    ends = [folder / "checkpoints" / "checkpoint-6" for folder in (first, second)]
    assert same(optimiser_of(ends[0]), optimiser_of(ends[1]))


def test_transformers_keeps_the_first_experts_when_it_resumes(tiny: Path, trained: Path, data: Path) -> None:
    """The library's fault (issue 48805): where this fails, it is mended, and ``_restore_weights`` can go."""
    checkpoint = trained / "checkpoints" / "checkpoint-3"
    trainer = trainer_for(recipe_for(tiny, data), trained / "unused", [])
    first = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer._load_from_checkpoint(str(checkpoint))
    saved = load_policy(str(checkpoint), recipe_for(tiny, data)).state_dict()
    loaded = trainer.model.state_dict()
    attention, experts = "model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.experts.gate_up_proj"
    assert torch.equal(loaded[attention], saved[attention])
    assert not torch.equal(first[experts], saved[experts])
    assert torch.equal(loaded[experts], first[experts])


def test_every_weight_of_a_checkpoint_comes_back_bit_for_bit(tiny: Path, trained: Path, data: Path) -> None:
    checkpoint = trained / "checkpoints" / "checkpoint-3"

    class Look(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
            self.step = state.global_step
            self.seen = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            raise Interrupted

    look = Look()
    trainer = trainer_for(recipe_for(tiny, data), trained / "unused", [look])
    with pytest.raises(Interrupted):
        resume_exactly(trainer, checkpoint)
    assert look.step == 3
    assert same(look.seen, dict(load_policy(str(checkpoint), recipe_for(tiny, data)).state_dict()))


@pytest.mark.parametrize("name", ["model.norm.weight", "model.layers.1.mlp.experts.2.up_proj.weight"])
def test_a_checkpoint_that_lacks_weights_is_refused(
    tiny: Path, trained: Path, data: Path, tmp_path: Path, name: str
) -> None:
    checkpoint = tmp_path / "checkpoint-3"
    shutil.copytree(trained / "checkpoints" / "checkpoint-3", checkpoint)
    there = weights(checkpoint)
    del there[name]
    save_file(there, checkpoint / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=rf"^{checkpoint}: (weights are missing: {name}|no model can be loaded: )"):
        resume_exactly(trainer_for(recipe_for(tiny, data), tmp_path / "unused", []), checkpoint)


def test_an_adapter_that_lacks_weights_is_refused(tiny: Path, data: Path, tmp_path: Path) -> None:
    sft.train_sft(recipe_for(tiny, data, lora=LORA, steps=1, checkpoint_every_steps=1), tmp_path / "run")
    adapter = tmp_path / "run" / "checkpoints" / "checkpoint-1" / "adapter_model.safetensors"
    there = dict(load_file(adapter))
    name = next(name for name in there if ".experts." in name)
    del there[name]
    save_file(there, adapter, metadata={"format": "pt"})
    shutil.rmtree(tmp_path / "run" / "model")
    (tmp_path / "run" / "finished.json").unlink()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["config"]["steps"] = 2
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=f"lacks weights of the model, so it cannot be gone on from: {name}"):
        sft.train_sft(recipe_for(tiny, data, lora=LORA, steps=2, checkpoint_every_steps=1), tmp_path / "run")


@pytest.mark.parametrize("lora", [None, LORA], ids=["whole", "lora"])
def test_a_run_that_was_stopped_within_a_step_ends_as_one_that_was_not(
    tiny: Path, data: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: Lora | None
) -> None:
    recipe = recipe_for(tiny, data, lora=lora)
    unbroken = trained
    if lora is not None:
        unbroken = tmp_path / "unbroken"
        sft.train_sft(recipe, unbroken)
    with monkeypatch.context() as patch:
        patch.setattr(sft, "FolderCallback", Stop)
        with pytest.raises(Interrupted):
            sft.train_sft(recipe, tmp_path / "broken")
    assert rows_of(tmp_path / "broken")[-1]["step"] == 4
    assert not (tmp_path / "broken" / "model").exists()
    sft.train_sft(recipe, tmp_path / "broken")
    assert_equal_runs(unbroken, tmp_path / "broken")
    assert [row["step"] for row in rows_of(unbroken)] == [2, 3, 4, 6]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lora", [None, LORA], ids=["whole", "lora"])
def test_a_run_that_was_killed_within_a_step_ends_as_one_that_was_not(
    tiny: Path, data: Path, tmp_path: Path, lora: Lora | None
) -> None:
    recipe = recipe_for(tiny, data, lora=lora)
    sft.train_sft(recipe, tmp_path / "unbroken")
    command = [sys.executable, "-m", "tests.training.trl_adapter.supervised", recipe.model_dump_json()]
    killed = subprocess.run([*command, str(tmp_path / "broken")], cwd=REPOSITORY, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (
        latest_checkpoint(tmp_path / "broken" / "checkpoints") == tmp_path / "broken" / "checkpoints" / "checkpoint-3"
    )
    sft.train_sft(recipe, tmp_path / "broken")
    assert_equal_runs(tmp_path / "unbroken", tmp_path / "broken")


def test_a_run_killed_after_its_last_step_is_only_exported(
    trained: Path, tiny: Path, data: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "model")
    (tmp_path / "run" / "finished.json").unlink()
    sft.train_sft(recipe_for(tiny, data), tmp_path / "run")
    assert_equal_runs(trained, tmp_path / "run")


def test_the_newest_checkpoint_is_by_number(trained: Path) -> None:
    found = latest_checkpoint(trained / "checkpoints")
    assert found == trained / "checkpoints" / "checkpoint-6"
    assert (step_of(found), step_of(None)) == (6, 0)
    assert latest_checkpoint(trained / "nowhere") is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


TEARS: dict[str, Callable[[Path], object]] = {
    "no state": lambda c: (c / "trainer_state.json").unlink(),
    "half a state": lambda c: cut(c / "trainer_state.json"),
    "half the weights": lambda c: cut(c / "model.safetensors"),
    "no weights": lambda c: (c / "model.safetensors").unlink(),
    "half an optimiser": lambda c: cut(c / "optimizer.pt"),
    "no optimiser": lambda c: (c / "optimizer.pt").unlink(),
    "half a generator": lambda c: cut(c / "rng_state.pth"),
    "a state of another step": lambda c: (c / "trainer_state.json").write_text(json.dumps({"global_step": 5})),
}


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS.keys())
def test_a_torn_checkpoint_is_passed_over_and_discarded(
    trained: Path, tmp_path: Path, tear: Callable[[Path], object]
) -> None:
    checkpoints = tmp_path / "checkpoints"
    shutil.copytree(trained / "checkpoints", checkpoints)
    (checkpoints / "checkpoint-best").mkdir()
    tear(checkpoints / "checkpoint-6")
    assert latest_checkpoint(checkpoints) == checkpoints / "checkpoint-3"
    discard_torn(checkpoints)
    assert sorted(path.name for path in checkpoints.iterdir() if path.is_dir()) == ["checkpoint-3", "checkpoint-best"]


@pytest.fixture
def no_large_files() -> Iterator[type[TrainerCallback]]:
    """A callback from whose fifth step on no file may exceed 100 kB: the kernel fails the write, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(FolderCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 4:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))

    yield Fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_an_error_and_the_last_checkpoint_stays(
    tiny: Path,
    data: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_large_files: type[TrainerCallback],
) -> None:
    checkpoints = tmp_path / "run" / "checkpoints"
    with monkeypatch.context() as patch:
        patch.setattr(sft, "FolderCallback", no_large_files)
        with pytest.raises(RunError) as caught:
            sft.train_sft(recipe_for(tiny, data), tmp_path / "run")
    said = str(caught.value)
    assert said.startswith(f"{checkpoints / 'checkpoint-6'}: cannot be saved: ")
    assert "File too large" in said
    assert said.endswith("; the last whole one is checkpoint-3")
    assert latest_checkpoint(checkpoints) == checkpoints / "checkpoint-3"
    assert not (checkpoints / "checkpoint-6").exists()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
    sft.train_sft(recipe_for(tiny, data), tmp_path / "run")
    assert_equal_runs(trained, tmp_path / "run")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for text in ("first", "second"):
        with replace_folder(folder) as partial:
            (partial / "weights").write_text(text)
    with (
        pytest.raises(RunError, match=f"^{folder}: cannot be written: .*No such file"),
        replace_folder(folder) as partial,
    ):
        (partial / "absent" / "weights").write_text("third")
    assert (folder / "weights").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
