"""Guards: what an overlong or repetitive answer loses of its reward, before the group's baseline.

Length: 0 up to L - B tokens, then falling to -1 at L, -1 beyond (DAPO, arXiv 2503.14476; ORBIT's weight is 1).
Repetition: -(1 - distinct / all n-grams) of token ids (arXiv 2502.03373, C.2). Ours: n = 8, since good answers repeat
three tokens by nature and eight only when a sentence is said twice. ClinAlign and PulseMind name no guard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.methods.reward import Reward


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits in tokens of the answer, and weights in units of reward. Raises ``ValueError`` where they cannot be."""

    max_tokens: int
    buffer_tokens: int
    ngram_tokens: int = 8
    length_weight: float = 1.0
    repetition_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.buffer_tokens <= self.max_tokens:
            raise ValueError(f"a buffer of {self.buffer_tokens} tokens does not fit in {self.max_tokens}")
        if self.ngram_tokens < 1 or self.length_weight < 0 or self.repetition_weight < 0:
            raise ValueError("n-grams have at least one token, and guards never add to a reward")


def overlong(tokens: int, guards: Guards) -> float:
    """Return the length penalty in [-1, 0] of an answer of so many tokens."""
    over = tokens - (guards.max_tokens - guards.buffer_tokens)
    return -min(1.0, max(0.0, over / guards.buffer_tokens))


def repetition(token_ids: Sequence[int], guards: Guards) -> float:
    """Return the repetition penalty in (-1, 0]: 0 for an answer shorter than one n-gram."""
    n = guards.ngram_tokens
    ngrams = [tuple(token_ids[start : start + n]) for start in range(len(token_ids) - n + 1)]
    return len(set(ngrams)) / len(ngrams) - 1.0 if ngrams else 0.0


def guarded(reward: Reward, token_ids: Sequence[int], guards: Guards) -> Reward:
    """Return the reward less both penalties. An unscored one stays unscored: a penalty alone is no reward."""
    if reward.value is None:
        return reward
    lost = guards.length_weight * overlong(len(token_ids), guards)
    lost += guards.repetition_weight * repetition(token_ids, guards)
    return replace(reward, value=reward.value + lost)
