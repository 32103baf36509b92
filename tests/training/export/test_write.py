import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, Qwen3MoeForCausalLM

from models.registry import ModelEntry
from tests.training.export.tiny import NOTICE, write_lora_run, write_model, write_run
from training.export.headers import CheckpointError, read_tensors
from training.export.manifest import MANIFEST, check_manifest
from training.export.write import Wanted, export_run

# peft asks transformers by a name that is to go.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

WANTED = Wanted("toy", ModelEntry(prompts="compact", verdict_threshold=0.4, notice=NOTICE))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base"))


def test_a_whole_model_is_cast_and_complete(base: Path, tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("{}\n{}\n{}\n", encoding="utf-8")
    run, out = write_run(tmp_path / "run", base, data=str(data)), tmp_path / "out"
    tensors = export_run(run, out, WANTED)
    assert tensors.keys() == read_tensors(base).keys()
    assert {tensor.dtype for tensor in tensors.values()} == {"BF16"}
    assert json.loads((out / "config.json").read_text())["dtype"] == "bfloat16"
    before, after = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    assert all(torch.equal(before[name].bfloat16(), after[name]) for name in before)
    assert json.loads((out / "generation_config.json").read_text())["eos_token_id"] == 2
    tokenizer = AutoTokenizer.from_pretrained(out)
    question = [{"role": "user", "content": "Is it well?"}]
    assert tokenizer.apply_chat_template(question, tokenize=False).startswith("<|im_start|>user")
    check_manifest(out)


def test_the_card_says_what_it_was_made_from(base: Path, tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("{}\n{}\n{}\n", encoding="utf-8")
    export_run(write_run(tmp_path / "run", base, data=str(data)), tmp_path / "out", WANTED)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    for said in (
        f"**{NOTICE}**",
        "`0123abcd`",
        "rows.jsonl`, 3 rows",
        '"seed": 7',
        "| reward | 0.75 |",
        "torch 2.13.0",
    ):
        assert said in card
    assert "4 experts of 64, 2 at a time" in card
    assert "from 0.4 on" in card
    assert "no review by physicians" in card
    assert str(tmp_path) not in card


def test_a_lora_adapter_reaches_attention_and_every_expert(base: Path, tmp_path: Path) -> None:
    run = write_lora_run(tmp_path / "run", base)
    tensors = export_run(run, tmp_path / "out", Wanted("toy", WANTED.entry, "float32"))
    assert tensors.keys() == read_tensors(base).keys()
    assert {tensor.dtype for tensor in tensors.values()} == {"F32"}
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    adapted = ("q_proj", "v_proj", "experts")
    assert changed == {name for name in before if any(part in name for part in adapted)}


def test_the_merged_model_answers_as_the_adapted_one(base: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    run = write_lora_run(tmp_path / "run", base)
    export_run(run, tmp_path / "out", Wanted("toy", WANTED.entry, "float32"))
    adapted = PeftModel.from_pretrained(Qwen3MoeForCausalLM.from_pretrained(base), str(run / "model"))
    merged = Qwen3MoeForCausalLM.from_pretrained(tmp_path / "out")
    ids = torch.arange(40).reshape(1, 40)
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, adapted(ids).logits, rtol=1e-4, atol=1e-4)


def test_a_merge_is_cast_to_bfloat16(base: Path, tmp_path: Path) -> None:
    tensors = export_run(write_lora_run(tmp_path / "run", base), tmp_path / "out", WANTED)
    assert {tensor.dtype for tensor in tensors.values()} == {"BF16"}


def test_a_model_that_lost_its_experts_is_refused(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    run = write_run(tmp_path / "run", base)
    kept = {name: tensor for name, tensor in load_file(base / "model.safetensors").items() if ".experts.3." not in name}
    save_file({**kept, "odd.weight": torch.zeros(2)}, run / "model" / "model.safetensors")
    with pytest.raises(
        CheckpointError, match=r"lacks model\.layers\.0\.mlp\.experts\.3.* and 3 more; has superfluous odd"
    ):
        export_run(run, tmp_path / "out", WANTED)
    assert not list(tmp_path.glob("*out*"))


def test_a_small_model_without_a_notice_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="must not be used for"):
        export_run(write_run(tmp_path / "run", base), tmp_path / "out", Wanted("toy", ModelEntry()))


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        ("finished.json", "has not finished"),
        ("config.json", r"config\.json: No such file"),
        ("model/config.json", "neither a model"),
        ("model/model.safetensors", "no safetensors file"),
        ("model/chat_template.jinja", "no chat template"),
    ],
)
def test_an_incomplete_run_is_named(base: Path, tmp_path: Path, removed: str, named: str) -> None:
    run = write_run(tmp_path / "run", base)
    (run / removed).unlink()
    with pytest.raises(CheckpointError, match=named):
        export_run(run, tmp_path / "out", WANTED)
    assert not (tmp_path / "out").exists()


def test_an_adapter_of_an_absent_base_asks_for_it(base: Path, tmp_path: Path) -> None:
    run = write_lora_run(tmp_path / "run", base)
    settings = json.loads((run / "model" / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "Qwen/elsewhere"
    (run / "model" / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(CheckpointError, match="--base"):
        export_run(run, tmp_path / "out", WANTED)
    given = Wanted("toy", WANTED.entry, "float32", base)
    assert export_run(run, tmp_path / "out", given).keys() == read_tensors(base).keys()


def test_a_folder_that_is_there_is_not_touched(base: Path, tmp_path: Path) -> None:
    run, out = write_run(tmp_path / "run", base), tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is there already"):
        export_run(run, out, WANTED)
    assert [path.name for path in out.iterdir()] == ["mine"]


@pytest.mark.parametrize("adapter", [False, True])
def test_a_disk_that_takes_no_more_leaves_nothing_behind(base: Path, tmp_path: Path, adapter: bool) -> None:
    run = (write_lora_run if adapter else write_run)(tmp_path / "run", base)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(CheckpointError, match="File too large"):
            export_run(run, tmp_path / "out", WANTED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_changed_file_is_found_by_the_manifest(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_run(write_run(tmp_path / "run", base), out, WANTED)
    (out / "config.json").write_text("{}", encoding="utf-8")
    (out / "extra.bin").write_bytes(b"0")
    with pytest.raises(CheckpointError, match=rf"{MANIFEST} says: extra\.bin, config\.json"):
        check_manifest(out)
