import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from principles.embedding import BundledEmbedder

onnx = pytest.importorskip("onnx")

from training.embedder import SPECIAL, build, kept_pieces, smaller_tokenizer  # noqa: E402

WIDTH, LAYERS, HEADS = 32, 2, 4
VOCABULARY = {
    "[PAD]": 0,
    "[UNK]": 1,
    "[CLS]": 2,
    "[SEP]": 3,
    "[MASK]": 4,
    "[unused0]": 5,
    "fever": 6,
    "é": 7,
    "cough": 8,
}
TOKENIZER: dict[str, object] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [
        {
            "id": VOCABULARY[piece],
            "content": piece,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for piece in SPECIAL
    ],
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
        },
    },
    "decoder": None,
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": VOCABULARY,
    },
}


def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def tensor(*shape: int) -> np.ndarray:
        return random.normal(0, 0.3, shape).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": tensor(len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": tensor(128, WIDTH),
        "embeddings.token_type_embeddings.weight": tensor(2, WIDTH),
        "embeddings.LayerNorm.weight": tensor(WIDTH) + 1,
        "embeddings.LayerNorm.bias": tensor(WIDTH),
    }
    for layer in range(LAYERS):
        sizes = {
            "attention.self.query": (WIDTH, WIDTH),
            "attention.self.key": (WIDTH, WIDTH),
            "attention.self.value": (WIDTH, WIDTH),
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (2 * WIDTH, WIDTH),
            "output.dense": (WIDTH, 2 * WIDTH),
        }
        for name, (outward, inward) in sizes.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = tensor(outward, inward)
            found[f"encoder.layer.{layer}.{name}.bias"] = tensor(outward)
        for name in ("attention.output", "output"):
            found[f"encoder.layer.{layer}.{name}.LayerNorm.weight"] = tensor(WIDTH) + 1
            found[f"encoder.layer.{layer}.{name}.LayerNorm.bias"] = tensor(WIDTH)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    save_file(weights(), folder / "model.safetensors")
    settings = {"num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER), encoding="utf-8")
    return folder


def layer_norm(hidden: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = hidden - hidden.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(hidden.var(-1, keepdims=True) + 1e-12)
    return np.asarray(scaled * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"])


def dense(hidden: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return np.asarray(hidden @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def reference(ids: list[int]) -> np.ndarray:
    """BERT by hand: the unit means of every layer, side by side, of unit length as a whole."""
    from scipy.special import erf

    w = weights()
    hidden = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    hidden = layer_norm(hidden + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings")
    means = [hidden.mean(0)]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        parts = (dense(hidden, w, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        query, key, value = (part.reshape(len(ids), HEADS, -1).transpose(1, 0, 2) for part in parts)
        scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        mixed = dense(mixed, w, f"{name}.attention.output.dense")
        hidden = layer_norm(hidden + mixed, w, f"{name}.attention.output")
        inner = dense(hidden, w, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        hidden = layer_norm(hidden + dense(inner, w, f"{name}.output.dense"), w, f"{name}.output")
        means.append(hidden.mean(0))
    return np.asarray(np.concatenate([mean / np.linalg.norm(mean) for mean in means]) / np.sqrt(LAYERS + 1))


def test_the_graph_is_bert_up_to_quantisation(source: Path, tmp_path: Path) -> None:
    build(source, ["fever cough"], tmp_path / "out")
    vector = BundledEmbedder(tmp_path / "out")(["fever cough cough"])[0]
    expected = reference([2, 6, 8, 8, 3])
    assert vector.shape == ((LAYERS + 1) * WIDTH,)
    assert float(vector @ expected) > 0.99


def test_equal_sources_give_equal_files(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(source, ["fever"], tmp_path / name)
    for file in ("model.onnx", "tokenizer.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_only_ascii_pieces_that_are_frequent_or_seen_are_kept() -> None:
    vocabulary = {**VOCABULARY, "rare": 25_000, "rarer": 26_000}
    assert kept_pieces(vocabulary, {26_000}) == [*SPECIAL, "fever", "cough", "rarer"]


def test_the_smaller_tokenizer_renumbers_its_pieces() -> None:
    kept = kept_pieces(VOCABULARY, set())
    small = Tokenizer.from_str(json.dumps(smaller_tokenizer(TOKENIZER, kept)))
    assert small.encode("Fever, cough é").ids == [2, 5, 1, 6, 1, 3]
