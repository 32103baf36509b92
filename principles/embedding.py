"""Owns how text becomes vectors here: the Embedder protocol and the bundled sentence encoder (ONNX, int8, one thread).

Invariant: every embedder returns float32 of shape (texts, dimension), rows of unit length, and keeps no state between
calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]
from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

ENCODER_FOLDER = Path(__file__).with_name("encoder")
MAX_TOKENS = 96
_BATCH = 64


class Embedder(Protocol):
    """Turns texts into unit vectors; safe to call from several threads."""

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimension), float32, rows of unit length."""
        ...


class BundledEmbedder:
    """The sentence encoder that `python -m training embedder` builds, on one thread without torch: 7 x 384 features."""

    def __init__(self, folder: Path = ENCODER_FOLDER, max_tokens: int = MAX_TOKENS) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Texts of equal token count share a forward pass, so that nothing is padded."""
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        lengths: dict[int, list[int]] = {}
        for row, encoding in enumerate(encodings):
            lengths.setdefault(len(encoding.ids), []).append(row)
        rows: dict[int, Vectors] = {}
        for group in lengths.values():
            for start in range(0, len(group), _BATCH):
                part = group[start : start + _BATCH]
                ids = np.array([encodings[row].ids for row in part], dtype=np.int64)
                rows.update(zip(part, self._forward(ids), strict=True))
        return np.stack([rows[row] for row in range(len(encodings))])

    def _forward(self, ids: npt.NDArray[np.int64]) -> Vectors:
        vectors: Vectors = self._session.run(["embedding"], {"input_ids": ids})[0]
        return normalised(vectors)


def normalised(vectors: npt.ArrayLike) -> Vectors:
    """Rows scaled to unit length, float32; a row of zeros stays zero."""
    array = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    scaled: Vectors = array / np.maximum(lengths, np.float32(1e-12))
    return scaled
