"""FP8 checkpoints by llm-compressor's model-free path, which works on safetensors and so on every expert.

Invariant: routers, embeddings and the output layer keep their data type; what was written is checked name by name.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from models.registry import REPOSITORY
from training.export.card import CARD, parameters
from training.export.checkpoint import file_faults
from training.export.headers import CheckpointError, Tensor, read_tensors
from training.export.manifest import MANIFEST, write_manifest
from training.export.new_folder import new_folder

Scheme = Literal["dynamic", "block"]
SCHEMES = {"dynamic": "FP8_DYNAMIC", "block": "FP8_BLOCK"}
# In llm-compressor's notation. Without the last one it quantises the embeddings too (0.14), which vLLM does not load.
IGNORED = ("lm_head", "re:.*mlp.gate$", "re:.*embed_tokens$")
PYTHON = REPOSITORY / ".venv-fp8" / "bin" / "python"
BLOCK = 128
_SCRIPT = Path(__file__).with_name("quantise.py")
_TAIL_LINES = 15
_NAMED = 3


def quantise(checkpoint: Path, out: Path, scheme: Scheme, *, python: Path = PYTHON) -> dict[str, Tensor]:
    """Write ``out`` from an exported checkpoint and return its tensors.

    ``dynamic``: a scale per output channel, activations scaled per token. ``block``: a scale per block of 128 x 128,
    for which both sides of every quantised weight must be divisible by 128. Raises ``CheckpointError``.
    """
    if not python.exists():
        raise CheckpointError(f"{python}: no environment for FP8; make fp8")
    before = read_tensors(checkpoint)
    if scheme == "block":
        _require_blocks(checkpoint, before)
    with new_folder(out) as folder:
        _run(python, checkpoint, folder, SCHEMES[scheme])
        after = read_tensors(folder)
        faults = [*_faults(before, after, scheme), *file_faults(folder, after), *_config_faults(folder, scheme)]
        if faults:
            raise CheckpointError(f"{checkpoint}: quantised wrongly: {'; '.join(faults)}")
        _write_card(folder, scheme, before)
        (folder / MANIFEST).unlink(missing_ok=True)
        write_manifest(folder)
    return after


def quantised(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the weights that are to be in FP8: matrices whose module is not ignored."""
    return [name for name, tensor in tensors.items() if len(tensor.shape) == 2 and not _ignored(name)]


def _ignored(name: str) -> bool:
    module = name.removesuffix(".weight")
    return any(
        re.match(rule.removeprefix("re:"), module) if rule.startswith("re:") else module == rule for rule in IGNORED
    )


def _require_blocks(checkpoint: Path, tensors: Mapping[str, Tensor]) -> None:
    uneven = {name: tensors[name].shape for name in quantised(tensors) if any(n % BLOCK for n in tensors[name].shape)}
    if uneven:
        named = ", ".join(f"{name} {list(shape)}" for name, shape in list(uneven.items())[:_NAMED])
        raise CheckpointError(
            f"{checkpoint}: {len(uneven)} weights do not divide into blocks of {BLOCK}, {named} among them; use dynamic"
        )


def _run(python: Path, checkpoint: Path, folder: Path, scheme: str) -> None:
    command = (str(python), "-P", str(_SCRIPT), str(checkpoint), str(folder), scheme, *IGNORED)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise CheckpointError(f"{checkpoint}: llm-compressor ended with status {done.returncode}\n{tail}")


def _faults(before: Mapping[str, Tensor], after: Mapping[str, Tensor], scheme: Scheme) -> Iterator[str]:
    chosen = set(quantised(before))
    expected = {name: ("F8_E4M3" if name in chosen else tensor.dtype, tensor.shape) for name, tensor in before.items()}
    for name in chosen:
        rows, columns = before[name].shape
        shape = (rows, 1) if scheme == "dynamic" else (rows // BLOCK, columns // BLOCK)
        expected[f"{name}_scale"] = (before[name].dtype, shape)
    for name in sorted(expected.keys() | after.keys()):
        found = (after[name].dtype, after[name].shape) if name in after else None
        if found != expected.get(name):
            yield f"{name}: expected {expected.get(name)}, found {found}"


def _config_faults(folder: Path, scheme: Scheme) -> Iterator[str]:
    written = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("quantization_config")
    if written is None:
        yield "config.json has no quantization_config"
    elif written.get("quant_method") != "compressed-tensors" or list(written["config_groups"]) != [SCHEMES[scheme]]:
        yield f"config.json names {written.get('quant_method')} and {list(written.get('config_groups', ()))}"
    elif not set(IGNORED) <= set(written["ignore"]):
        yield f"config.json ignores {written['ignore']}"


def _write_card(folder: Path, scheme: Scheme, before: Mapping[str, Tensor]) -> None:
    chosen = quantised(before)
    share = sum(before[name].size for name in chosen) / parameters(before)
    text = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).is_file() else ""
    added = (
        f"\n## Quantisation\n\n`{SCHEMES[scheme]}` by llm-compressor, without calibration: {len(chosen)} weights, "
        f"{share:.0%} of the parameters, are float8 (e4m3).\nRouters, embeddings, norms and the output layer are as "
        "they were. The figures above are those of the model before; the gate tells what is left of them.\n"
    )
    (folder / CARD).write_text(text + added, encoding="utf-8")
