import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.registry import REPOSITORY
from tests.training.export.tiny import write_model
from training.export.cli import main
from training.export.fp8 import BLOCK, PYTHON, SCHEMES, Scheme, quantise, quantised
from training.export.headers import CheckpointError, read_tensors
from training.export.manifest import check_manifest

BUNDLED = REPOSITORY / "models" / "bundled"
ROUNDING = 2**-4
"""Half the distance between two neighbours of e4m3, which has three bits after the point, relative to the lower."""

with_fp8 = pytest.mark.skipif(not PYTHON.exists(), reason="no environment for FP8; make fp8")


def test_routers_embeddings_norms_and_the_output_layer_are_left_alone() -> None:
    kept = set(read_tensors(BUNDLED)) - set(quantised(read_tensors(BUNDLED)))
    assert {name.rpartition("layers.")[2].lstrip("0123.") for name in kept} == {
        "model.embed_tokens.weight",
        "model.norm.weight",
        "input_layernorm.weight",
        "post_attention_layernorm.weight",
        "self_attn.q_norm.weight",
        "self_attn.k_norm.weight",
        "mlp.gate.weight",
    }


def test_uneven_sides_do_not_make_blocks(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"do not divide into blocks of 128, .*\[192, 128\].*use dynamic"):
        quantise(BUNDLED, tmp_path / "out", "block", python=Path(sys.executable))
    assert not list(tmp_path.iterdir())


def test_an_absent_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="make fp8"):
        quantise(BUNDLED, tmp_path / "out", "dynamic", python=tmp_path / "python")


def test_a_failing_quantiser_shows_its_last_words_and_leaves_nothing(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no room for it >&2\nexit 3\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(CheckpointError, match=r"status 3\nno room for it"):
        quantise(BUNDLED, tmp_path / "out", "dynamic", python=python)
    assert [path.name for path in tmp_path.iterdir()] == ["python"]


@with_fp8
@pytest.mark.timeout(180)
@pytest.mark.parametrize("scheme", ["dynamic", pytest.param("block", marks=pytest.mark.slow)])
def test_quantised_weights_are_near_what_they_were(tmp_path: Path, scheme: Scheme) -> None:
    source, out = write_model(tmp_path / "base", torch.bfloat16, hidden=BLOCK), tmp_path / "out"
    assert main(["fp8", str(source), "--out", str(out), "--scheme", scheme]) == 0
    check_manifest(out)
    config = json.loads((out / "config.json").read_text())["quantization_config"]
    assert (config["quant_method"], list(config["config_groups"])) == ("compressed-tensors", [SCHEMES[scheme]])
    before, after = load_file(source / "model.safetensors"), load_file(out / "model.safetensors")
    chosen = quantised(read_tensors(source))
    assert len(chosen) == 2 * (4 + 4 * 3)
    for name, weight in before.items():
        if name not in chosen:
            assert torch.equal(weight, after[name]), name
            continue
        scale = after[f"{name}_scale"].float()
        if scheme == "block":
            scale = scale.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
        found = after[name].float() * scale
        allowed = ROUNDING * weight.float().abs() + scale * 2**-10 + 2**-8 * weight.float().abs()
        assert (found - weight.float()).abs().le(allowed).all(), name
