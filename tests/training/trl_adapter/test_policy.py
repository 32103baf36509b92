import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import save_file

from tests.training.trl_adapter.supervised import BUNDLED, EXPERTS, LORA, recipe_for, same, weights, write_tiny
from training.runs.folder import RunError
from training.trl_adapter.policy import load_policy, load_tokenizer, peft_config, save_for_serving
from training.trl_adapter.settings import Lora

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=["tiny", "bundled"])
def model(request: pytest.FixtureRequest, tiny: Path) -> Path:
    return tiny if request.param == "tiny" else BUNDLED


def adapted(model: Path, tmp_path: Path) -> tuple[Any, Path]:
    """The model with adapters that change it, in memory and as a checkpoint."""
    policy = load_policy(str(model), recipe_for(model, model, lora=LORA))
    config = peft_config(LORA, policy)
    assert config is not None
    changed = get_peft_model(policy, config)
    torch.manual_seed(1)
    for parameter in changed.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.05)
    changed.save_pretrained(tmp_path / "adapter")
    return changed.eval(), tmp_path / "adapter"


def test_adapters_reach_attention_and_experts_and_no_router(model: Path, tmp_path: Path) -> None:
    changed, _ = adapted(model, tmp_path)
    trained = {name for name, parameter in changed.named_parameters() if parameter.requires_grad}
    layers = changed.config.num_hidden_layers
    assert sum(".experts." in name for name in trained) == layers * 2 * 2
    assert sum(".self_attn." in name for name in trained) == layers * 4 * 2
    assert not [name for name in trained if ".gate." in name]
    assert len(trained) == layers * 12


def test_merged_is_what_was_adapted_under_the_names_that_were_there(model: Path, tmp_path: Path) -> None:
    changed, checkpoint = adapted(model, tmp_path)
    recipe = recipe_for(model, model, lora=LORA)
    save_for_serving(checkpoint, recipe, tmp_path / "served")
    before, after = weights(model), weights(tmp_path / "served")
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name for name in before if "experts" in name} <= moved
    assert not [name for name in moved if name.endswith(("mlp.gate.weight", "norm.weight", "embed_tokens.weight"))]
    ids_1T = torch.arange(5, 25)[None]
    with torch.no_grad():
        served = load_policy(str(tmp_path / "served"), recipe).eval()(input_ids=ids_1T).logits
        torch.testing.assert_close(served, changed(input_ids=ids_1T).logits, atol=1e-4, rtol=1e-4)
        assert (served - load_policy(str(model), recipe)(input_ids=ids_1T).logits).abs().max() > 0.1


def test_the_served_folder_is_the_models_own_but_for_its_weights(tmp_path: Path) -> None:
    _, checkpoint = adapted(BUNDLED, tmp_path)
    save_for_serving(checkpoint, recipe_for(BUNDLED, BUNDLED, lora=LORA), tmp_path / "served")
    for name in ("config.json", "generation_config.json"):
        assert json.loads((tmp_path / "served" / name).read_text()) == json.loads((BUNDLED / name).read_text())
    for name in ("tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "served" / name).read_text() == (BUNDLED / name).read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_bfloat16_is_what_is_served_and_what_is_frozen_but_not_what_is_trained(tiny: Path, tmp_path: Path) -> None:
    whole = recipe_for(tiny, tiny, bf16=True)
    assert load_policy(str(tiny), whole).dtype == torch.float32
    assert load_policy(str(tiny), whole.model_copy(update={"lora": LORA})).dtype == torch.bfloat16
    save_for_serving(tiny, whole, tmp_path / "served")
    assert {tensor.dtype for tensor in weights(tmp_path / "served").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "served" / "config.json").read_text())["dtype"] == "bfloat16"


def test_all_weights_saved_as_they_were(tiny: Path, tmp_path: Path) -> None:
    save_for_serving(tiny, recipe_for(tiny, tiny), tmp_path / "served")
    save_for_serving(tiny, recipe_for(tiny, tiny), tmp_path / "served")
    assert same(weights(tiny), weights(tmp_path / "served"))


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        (Lora(rank=2, alpha=2, modules=("q_proj", "query")), "lora: no module of the model is named 'query'"),
        (
            Lora(rank=2, alpha=2, expert_parameters=(EXPERTS[0], "experts.w2")),
            "lora: no parameter of the model is named 'experts.w2'",
        ),
        (
            Lora(rank=2, alpha=2, expert_parameters=("mlp.gate.weight",)),
            "lora.expert_parameters: 'mlp.gate.weight' is no 3-D parameter of experts (model.layers.0.mlp.gate.weight)",
        ),
        (
            Lora(rank=2, alpha=2, modules=("q_proj", "mlp.gate")),
            "lora.modules: 'mlp.gate' is a router (model.layers.0.mlp.gate), which is never adapted",
        ),
        (
            Lora(rank=2, alpha=2, modules=("self_attn",)),
            "lora.modules: 'self_attn' is no linear layer (model.layers.0.self_attn)",
        ),
    ],
)
def test_a_name_that_reaches_nothing_or_the_wrong_thing_is_an_error(tiny: Path, lora: Lora, message: str) -> None:
    policy = load_policy(str(tiny), recipe_for(tiny, tiny))
    with pytest.raises(RunError) as caught:
        peft_config(lora, policy)
    assert message in str(caught.value)


def test_all_weights_are_trained_where_no_adapters_are_asked_for(tiny: Path) -> None:
    assert peft_config(None, load_policy(str(tiny), recipe_for(tiny, tiny))) is None


def test_a_tokenizer_without_a_chat_template_is_refused_by_name(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "untemplated"
    shutil.copytree(tiny, folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(RunError, match=f"^{folder}: its tokenizer has no chat template, so conversations cannot be"):
        load_tokenizer(str(folder))


def test_a_tokenizer_without_padding_pads_with_its_end(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpadded"
    shutil.copytree(tiny, folder)
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text())
    del config["pad_token"]
    file.write_text(json.dumps(config))
    tokenizer = load_tokenizer(str(folder))
    assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"^{tmp_path}: no tokenizer can be loaded"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(RunError, match=f"^{tmp_path}: no model can be loaded"):
        load_policy(str(tmp_path), recipe_for(tmp_path, tmp_path))


def test_missing_and_unexpected_weights_are_errors(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "faulty"
    shutil.copytree(tiny, folder)
    there = weights(folder)
    lost = there.pop("model.norm.weight")
    save_file(there, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"weights are missing: model\.norm\.weight"):
        load_policy(str(folder), recipe_for(tiny, tiny))
    save_file(
        there | {"model.norm.weight": lost, "more": lost.clone()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(RunError, match="weights are not expected: more"):
        load_policy(str(folder), recipe_for(tiny, tiny))
