"""The reward manager that verl's reward workers hold: hands each rollout to the group judge and waits for its reward.

Invariant: an unscored rollout's reward is NaN, which `estimator` takes out; its score is None, which verl skips.
"""

from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from transformers import PreTrainedTokenizerBase
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from training.verl_adapter.actor import JudgeActor
from training.verl_adapter.group_judge import not_a_number_if_unscored
from training.verl_adapter.prepare import question_of
from training.verl_adapter.rollout import Judged, Rollout
from training.verl_adapter.scorer import build_scorer
from training.verl_adapter.settings import SPLITS, read_judging

FIELDS = ("uid", "session_id", "raw_prompt", "reward_model", "extra_info")


class GroupRewardManager(RewardManagerBase):  # type: ignore[misc]
    """Registered as ``group_judge``. Needs verl's v1 trainer, which streams rollouts; ``compute_score`` is not used."""

    def __init__(
        self, config: DictConfig, tokenizer: PreTrainedTokenizerBase, compute_score: Any, **_of_a_reward_model: Any
    ) -> None:
        super().__init__(config, tokenizer, compute_score)
        rollout = config.actor_rollout_ref.rollout
        self._groups = dict(zip(SPLITS, (int(rollout.n), int(rollout.val_kwargs.n)), strict=True))
        judging = read_judging(OmegaConf.to_container(config, resolve=True))
        self._judge = JudgeActor(judging, int(config.data.max_response_length), build_scorer)

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """Return ``reward_score`` and ``reward_extra_info`` of the last sequence of ``data``.

        Raises ``ValueError`` for columns that `prepare` did not write, and what the judge raises.
        """
        rollout = rollout_of(data[-1], self.tokenizer, self._groups)
        judged = await self._judge.judged(rollout)
        return {"reward_score": not_a_number_if_unscored(judged.reward), "reward_extra_info": extra_info(judged)}


def rollout_of(item: Any, tokenizer: PreTrainedTokenizerBase, groups: dict[Any, int]) -> Rollout:
    """Return the rollout that an item of verl's data holds; ``groups`` are the group sizes by split."""
    columns = item.non_tensor_batch
    if missing := [name for name in FIELDS if name not in columns]:
        raise ValueError(f"a rollout without {', '.join(missing)}: trainer.use_v1 and data.return_raw_chat give them")
    response = item.batch["responses"]
    shown = int(item.batch["attention_mask"][-response.shape[-1] :].sum())
    token_ids = tuple(int(token) for token in response[:shown])
    split = columns["extra_info"].get("split")
    if split not in groups:
        raise ValueError(f"a row whose extra_info.split is {split!r}: not one that verl_adapter.prepare wrote")
    return Rollout(
        uid=str(columns["uid"]),
        session=str(columns["session_id"]),
        group=groups[split],
        step=int(np.asarray(columns.get("global_steps", 0)).item()),
        split=split,
        question=question_of(columns["raw_prompt"], columns["reward_model"], columns["extra_info"]),
        answer=tokenizer.decode(list(token_ids), skip_special_tokens=True),
        token_ids=token_ids,
    )


def extra_info(judged: Judged) -> dict[str, float | None]:
    """Return what verl keeps beside the reward: figures only, for it averages them over a validation set."""
    return {
        "score": judged.score,
        "penalty": None if judged.score is None else judged.penalty,
        "unscored": float(judged.reward is None),
        "unscored_parts": float(judged.unscored),
        "parts": float(judged.parts),
        "judge_failed": float(judged.failed),
        "judged_together": float(judged.together),
        **{f"score/{name}": value for name, value in judged.scores.items()},
    }
