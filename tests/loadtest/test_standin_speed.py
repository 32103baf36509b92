import pytest

from loadtest.standin.speed import BLOCK_TOKENS, SPEEDS

H100 = SPEEDS["qwen3-30b-a3b-h100"]


@pytest.mark.parametrize(("batch", "ms"), [(8, 12.85), (16, 17.55), (32, 22.57), (64, 28.94), (96, 32.07)])
def test_published_batches_take_what_is_published(batch: int, ms: float) -> None:
    assert H100.decode_seconds(batch) * 1000 == pytest.approx(ms)


def test_between_and_beyond_published_batches() -> None:
    assert H100.decode_seconds(12) * 1000 == pytest.approx((12.85 + 17.55) / 2)
    assert H100.decode_seconds(1) * 1000 == pytest.approx(9.7)
    assert H100.decode_seconds(128) * 1000 == pytest.approx(32.07 + (32.07 - 28.94))


@pytest.mark.parametrize(("batch", "published_p99_ms"), [(16, 34.1), (32, 36.4), (64, 44.1)])
def test_a_question_prefilled_beside_a_batch_takes_about_the_published_p99(batch: int, published_p99_ms: float) -> None:
    assert H100.step_seconds(batch, 400) * 1000 == pytest.approx(published_p99_ms, abs=7)


def test_full_batches_give_about_the_published_tokens_a_second() -> None:
    assert 64 / H100.decode_seconds(64) == pytest.approx(2164, rel=0.05)
    assert H100.limits.kv_blocks * BLOCK_TOKENS * 96 / 2**20 == pytest.approx(12, rel=0.01)
