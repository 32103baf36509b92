"""The advantages of `training.methods` on verl's tensors: groups by uid, unscored rollouts left out and masked.

Invariant: a rollout whose reward is NaN is unscored: no part of a baseline, advantage 0, no token in the loss. verl
hands an estimator rewards, mask, uids and its configuration and nothing else, so NaN is the mark that arrives here.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from training.methods.advantages import Advantages, mean_only, standardised


def rubric_advantages(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return advantages and returns, the same, shape (rollouts, _T); ``index`` holds each rollout's uid.

    ``algorithm.norm_adv_by_std_in_grpo`` chooses GRPO's deviation (arXiv 2402.03300) or the mean alone (2503.20783).
    The mask's rows of unscored rollouts are zeroed in place: verl keeps the mask that it handed over together with the
    advantages, unless ``algorithm.rollout_correction.bypass_mode`` is set. Raises ``ValueError`` without uids.
    """
    if index is None:
        raise ValueError("no uids: the advantages of a group need to know whose rollouts it holds")
    rewards = [None if math.isnan(reward) else reward for reward in token_level_rewards.double().sum(dim=-1).tolist()]
    scaled = config is None or config.get("norm_adv_by_std_in_grpo", True)
    per_rollout: list[float | None] = [None] * len(rewards)
    for rows in _groups(index):
        rewards_G = [rewards[row] for row in rows]
        advantages_G: Advantages = standardised(rewards_G) if scaled else mean_only(rewards_G)
        for row, advantage in zip(rows, advantages_G, strict=True):
            per_rollout[row] = advantage
    unscored = torch.tensor([advantage is None for advantage in per_rollout], device=response_mask.device)
    response_mask[unscored] = 0
    column = torch.tensor([advantage or 0.0 for advantage in per_rollout], dtype=torch.float32)
    advantages = column.to(response_mask.device).unsqueeze(-1) * response_mask
    return advantages, advantages


def _groups(index: Sequence[str]) -> list[list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, uid in enumerate(index):
        rows[uid].append(row)
    return list(rows.values())
