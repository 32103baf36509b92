"""How fast the engine is that the stand-in stands in for: published figures, and a step's seconds made from them.

Invariant: pure arithmetic; every figure is published or named as an assumption, and `assumptions` says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

BLOCK_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What one replica takes on: vLLM's max_num_seqs and max_num_batched_tokens, and blocks of KV cache."""

    max_num_seqs: int
    max_num_batched_tokens: int
    kv_blocks: int


@dataclass(frozen=True, slots=True)
class Speed:
    """One model on one GPU. ``decode_ms`` are (sequences in the batch, milliseconds of a step), ascending.

    ``saturating_tokens`` is how many prefilled tokens cost a step what as many decoding sequences do, namely reading
    nearly all experts; each prefilled token adds ``prefill_us`` microseconds to it.
    """

    name: str
    decode_ms: tuple[tuple[int, float], ...]
    prefill_us: float
    saturating_tokens: int
    limits: Limits
    assumptions: tuple[str, ...]

    def decode_seconds(self, batch: int) -> float:
        """Seconds of a step that decodes one token of each of ``batch`` sequences; beyond the table its last slope."""
        rows = self.decode_ms
        if batch <= rows[0][0]:
            return rows[0][1] / 1000
        place = next((n for n, (size, _) in enumerate(rows) if size >= batch), len(rows) - 1)
        (low, low_ms), (high, high_ms) = rows[place - 1], rows[place]
        return (low_ms + (high_ms - low_ms) * (batch - low) / (high - low)) / 1000

    def step_seconds(self, decoding: int, prefill_tokens: int) -> float:
        """Seconds of a step that decodes ``decoding`` sequences and prefills so many tokens beside them."""
        batch = max(decoding, min(prefill_tokens, self.saturating_tokens))
        return self.decode_seconds(batch) + prefill_tokens * self.prefill_us / 1e6


_QWEN3_30B_A3B = Speed(
    name="qwen3-30b-a3b-h100",
    decode_ms=((1, 9.7), (8, 12.85), (16, 17.55), (32, 22.57), (64, 28.94), (96, 32.07)),
    prefill_us=21.4,
    saturating_tokens=64,
    limits=Limits(max_num_seqs=96, max_num_batched_tokens=8192, kv_blocks=131_072 // BLOCK_TOKENS),
    assumptions=(
        "Qwen3-30B-A3B-Instruct-2507, BF16, vLLM, one H100: ITL p50 by batch size from the ML.ENERGY leaderboard",
        "one sequence alone takes 9.7 ms a token: published for an A100, taken over",
        "prefill: 21.4 us a token, the slope of time to first token from 128 to 3,072 tokens published for an A100; a "
        "step that prefills 64 tokens or more reads nearly all experts, as a batch of 64 does. The p99 ITL that "
        "follows is the published one within 9 ms at batches of 8 to 64, tokens a second within 5%; at 96 they are 11% "
        "above what is published",
        "KV cache: 12 GiB at 96 KiB a token, which is the 96 sequences that are published as the limit",
        "beyond 96 sequences the slope from 64 to 96 goes on; no speculative decoding, no host or network time",
    ),
)

SPEEDS: Mapping[str, Speed] = MappingProxyType({speed.name: speed for speed in (_QWEN3_30B_A3B,)})
