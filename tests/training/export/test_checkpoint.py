import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.registry import REPOSITORY
from training.export.checkpoint import check_checkpoint
from training.export.headers import INDEX, CheckpointError, Tensor, read_tensors

BUNDLED = REPOSITORY / "models" / "bundled"
BESIDE = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in BESIDE:
        shutil.copy(BUNDLED / name, tmp_path / name)
    save_file({"a": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float32)}, tmp_path / "model.safetensors")
    return tmp_path


def test_names_types_and_shapes_are_read_without_the_weights(folder: Path) -> None:
    assert read_tensors(folder) == {
        "a": Tensor("F32", (2, 3), "model.safetensors"),
        "b": Tensor("F32", (4,), "model.safetensors"),
    }
    assert read_tensors(folder)["a"].size == 6


def test_the_bundled_model_is_a_whole_checkpoint() -> None:
    tensors = read_tensors(BUNDLED)
    assert check_checkpoint(BUNDLED, tensors, "float32") == tensors
    assert sum(tensor.size for tensor in tensors.values()) == 3_252_160


def test_every_fault_is_named_at_once(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"")
    (folder / "generation_config.json").unlink()
    expected = {"a": Tensor("F32", (3, 2), "x"), "c": Tensor("F32", (1,), "x")}
    with pytest.raises(CheckpointError) as found:
        check_checkpoint(folder, expected, "bfloat16")
    assert str(found.value) == (
        f"{folder}: lacks c; has superfluous b; has other shapes than the base in a; is not BF16 in a, b; "
        "holds optimizer.pt, which may run code when read; lacks generation_config.json"
    )


def test_shards_need_an_index_that_fits(folder: Path) -> None:
    save_file({"c": np.zeros(1, np.float32)}, folder / "more.safetensors")
    tensors = read_tensors(folder)
    with pytest.raises(CheckpointError, match=f"lacks {INDEX}"):
        check_checkpoint(folder, tensors, "float32")
    index = {"weight_map": {name: tensor.file for name, tensor in tensors.items()}}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert check_checkpoint(folder, tensors, "float32") == tensors
    (folder / INDEX).write_text(json.dumps({"weight_map": {}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="does not list"):
        check_checkpoint(folder, tensors, "float32")


def test_a_name_in_two_files_is_refused(folder: Path) -> None:
    save_file({"a": np.zeros(1, np.float32)}, folder / "more.safetensors")
    with pytest.raises(CheckpointError, match=r"a is in model\.safetensors and in more\.safetensors"):
        read_tensors(folder)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: data + b"0", "longer than its header"),
        (lambda data: b"", "no safetensors file"),
        (lambda data: b"\xff" * 20, "a header of"),
        (lambda data: data[:8] + b"x" + data[9:], "no safetensors file"),
    ],
)
def test_a_damaged_file_is_named(folder: Path, damage: "object", named: str) -> None:
    file = folder / "model.safetensors"
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CheckpointError, match=named):
        read_tensors(folder)
