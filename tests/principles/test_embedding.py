import numpy as np
import pytest

from principles.embedding import BundledEmbedder, normalised


@pytest.fixture(scope="module")
def embedder() -> BundledEmbedder:
    return BundledEmbedder()


def test_rows_have_unit_length_and_one_dimension(embedder: BundledEmbedder) -> None:
    vectors = embedder(["I have a cough.", "chest pain", ""])
    assert vectors.shape == (3, 2688)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(embedder: BundledEmbedder) -> None:
    together = embedder(["I have a cough.", "My knee hurts when I climb stairs.", "I have a cold."])
    assert together[1] == pytest.approx(embedder(["My knee hurts when I climb stairs."])[0], abs=2e-2)


def test_like_questions_are_nearer_than_unlike_ones(embedder: BundledEmbedder) -> None:
    asthma, wheeze, letter = embedder(
        ["I can't breathe, my asthma is bad", "wheezing badly and short of breath", "Write a referral letter"]
    )
    assert asthma @ wheeze > asthma @ letter + 0.05


def test_a_very_long_text_is_cut(embedder: BundledEmbedder) -> None:
    assert embedder(["word " * 5000]).shape == (1, 2688)


def test_a_row_of_zeros_stays_zero() -> None:
    assert normalised([[0.0, 0.0], [3.0, 4.0]]).tolist() == [[0.0, 0.0], pytest.approx([0.6, 0.8])]
