"""The closed set of metrics that runs write; plots and trackers know these names and no others."""

from collections.abc import Iterable

LOSS = "loss"
LEARNING_RATE = "learning_rate"
GRAD_NORM = "grad_norm"
TOKENS_PER_SECOND = "tokens_per_second"
SECONDS = "seconds"
REWARD = "reward"
REWARD_STD = "reward_std"
ZERO_VARIANCE_SHARE = "zero_variance_share"
SKIPPED_GROUPS = "skipped_groups"
ANSWER_TOKENS = "answer_tokens"
CLIPPED_SHARE = "clipped_share"
KL = "kl"
UNSCORED_SHARE = "unscored_share"
ENTROPY = "entropy"

NAMES = frozenset(
    {LOSS, LEARNING_RATE, GRAD_NORM, TOKENS_PER_SECOND, SECONDS, REWARD, REWARD_STD, ZERO_VARIANCE_SHARE}
    | {SKIPPED_GROUPS, ANSWER_TOKENS, CLIPPED_SHARE, KL, UNSCORED_SHARE, ENTROPY}
)

SCORE, WIN_RATE, EVAL, REWARD_PART = "score/", "win_rate/", "eval/", "reward/"
EVAL_LOSS = "eval/loss"
FAMILIES = (SCORE, WIN_RATE, EVAL, REWARD_PART)
"""Prefixes of open families: an axis or dimension, a counterpart, a figure of an evaluation, a part of the reward."""


def unknown(names: Iterable[str]) -> list[str]:
    """Return those names that are neither in the set nor of a family."""
    return [name for name in names if name not in NAMES and not _of_a_family(name)]


def _of_a_family(name: str) -> bool:
    return any(name.startswith(family) and name != family for family in FAMILIES)
