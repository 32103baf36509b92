from pathlib import Path

import numpy as np
import pytest

from tests.training.distil.word_vectors import WordVectors
from training.distil.vectors import SHARD_TEXTS, VectorStore
from training.runs.files import RunError

PROBES = 1


def test_vectors_come_in_the_order_of_the_texts_and_are_made_once(tmp_path: Path) -> None:
    embed = WordVectors()
    texts = ["call for help", "rest well", "call for help"]
    done: list[int] = []
    vectors = VectorStore(tmp_path, embed).of(texts, done.append)
    assert np.allclose(vectors, WordVectors()(texts), atol=1e-3)
    assert embed.texts == PROBES + 2
    assert done == [0, 2, 2]
    again = VectorStore(tmp_path, embed).of([*texts[1:], "drink water"])
    assert embed.texts == 2 * PROBES + 3
    assert np.array_equal(again[:2], vectors[1:])


def test_what_an_interrupted_run_embedded_is_kept(tmp_path: Path) -> None:
    texts = [f"text {chr(97 + n // 26)}{chr(97 + n % 26)} {'word ' * (n // 676)}" for n in range(SHARD_TEXTS + 10)]
    first = WordVectors()
    store = VectorStore(tmp_path, first)

    def stop(done: int) -> None:
        if done >= SHARD_TEXTS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.of(texts, stop)
    second = WordVectors()
    assert len(VectorStore(tmp_path, second).of(texts)) == len(texts)
    assert second.texts == PROBES + 10


def test_another_embedder_has_a_folder_of_its_own(tmp_path: Path) -> None:
    VectorStore(tmp_path, WordVectors()).of(["a text"])
    VectorStore(tmp_path, lambda texts: -WordVectors()(texts)).of(["a text"])
    assert len(list(tmp_path.glob("vectors-*/*.npz"))) == 2


def test_a_broken_shard_is_named(tmp_path: Path) -> None:
    VectorStore(tmp_path, WordVectors()).of(["a text"])
    (shard,) = tmp_path.glob("vectors-*/*.npz")
    shard.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(RunError, match=rf"{shard.name}: no vectors; remove the file"):
        VectorStore(tmp_path, WordVectors()).of(["a text"])
