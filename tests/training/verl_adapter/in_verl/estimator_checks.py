"""The registered estimators against `training.methods`, on batches as verl's v1 trainer makes them."""

import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transfer_queue as tq
from hydra import compose, initialize_config_module
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.core_algos import agg_loss, compute_policy_loss_gspo, get_adv_estimator_fn
from verl.trainer.ppo.v1.trainer_base import PPOTrainer
from verl.utils.config import omega_conf_to_dataclass
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

import training.verl_adapter.plugin  # noqa: F401
from training.methods.advantages import mean_only, standardised

ROOT = Path(__file__).parents[4]
NAN = math.nan


def batch(rewards: list[float], lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rewards on each rollout's last token, and its mask."""
    mask = (torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]).long()
    token_level = torch.zeros(mask.shape)
    token_level[torch.arange(len(lengths)), torch.tensor(lengths) - 1] = torch.tensor(rewards)
    return token_level, mask


def estimate(rewards: list[float], uids: str, name: str = "crpo", scaled: bool = True) -> list[float]:
    token_level, mask = batch(rewards, [2] * len(rewards))
    given = {"norm_adv_by_std_in_grpo": scaled}
    advantages, returns = get_adv_estimator_fn(name)(token_level, mask, index=np.array(list(uids)), config=given)
    assert torch.equal(advantages, returns)
    assert torch.equal(advantages[:, 0], advantages[:, 1])
    values: list[float] = advantages[:, 0].tolist()
    return values


def test_a_process_of_verl_knows_the_names() -> None:
    code = (
        "import verl\nfrom verl.trainer.ppo.core_algos import get_adv_estimator_fn as f\n"
        "from verl.experimental.reward_loop.reward_manager import get_reward_manager_cls as m\n"
        "print(f('crpo').__name__, f('rubric_grpo').__name__, m('group_judge').__name__)"
    )
    environment = dict(os.environ) | {"VERL_USE_EXTERNAL_MODULES": "training.verl_adapter.plugin"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["rubric_advantages", "rubric_advantages", "GroupRewardManager"], done.stderr


@pytest.mark.parametrize("name", ["crpo", "rubric_grpo"])
def test_the_published_fixture(name: str) -> None:
    assert estimate([0.5, 0.7, 0.35, 0.6], "aaaa", name) == pytest.approx([-0.251, 1.088, -1.255, 0.418], abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.3, 0.55, 1.0, NAN])), min_size=1, max_size=9))
def test_groups_have_the_methods_advantages(rows: list[tuple[str, float]]) -> None:
    uids, rewards = "".join(uid for uid, _ in rows), [reward for _, reward in rows]
    for scaled, method in ((True, standardised), (False, mean_only)):
        found = estimate(rewards, uids, scaled=scaled)
        for uid in set(uids):
            at = [number for number, other in enumerate(uids) if other == uid]
            rewards_G = [None if math.isnan(rewards[n]) else float(np.float32(rewards[n])) for n in at]
            assert [found[n] for n in at] == pytest.approx([a or 0.0 for a in method(rewards_G)], abs=1e-6)


def test_a_flat_group_and_a_lone_rollout_have_none() -> None:
    assert estimate([0.4, 0.4, 0.9], "aab") == [0.0, 0.0, 0.0]


def test_an_unscored_rollout_is_out_of_the_baseline_and_out_of_the_loss() -> None:
    token_level, mask = batch([0.5, NAN, 0.7], [3, 2, 4])
    advantages, _ = get_adv_estimator_fn("crpo")(token_level, mask, index=np.array(list("aaa")), config=None)
    expected = standardised([0.5, None, 0.7])
    assert advantages[0].tolist() == pytest.approx([expected[0]] * 3 + [0.0], abs=1e-6)
    assert advantages[1].tolist() == [0.0] * 4
    assert mask.sum(dim=-1).tolist() == [3, 0, 4]


def test_no_uids_is_an_error() -> None:
    with pytest.raises(ValueError, match="no uids"):
        get_adv_estimator_fn("crpo")(*batch([0.5], [1]))


def test_verls_trainer_hands_over_what_the_estimator_expects_and_keeps_its_mask() -> None:
    """The v1 trainer's own step through a real TransferQueue, from rewards as rollouts bring them to the loss."""
    with initialize_config_module("verl.trainer.config", version_base=None):
        overrides = ["model_engine=megatron", "algorithm.adv_estimator=crpo", "actor_rollout_ref.rollout.name=vllm"]
        config = compose("ppo_trainer", [*overrides, "transfer_queue.backend.SimpleStorage.num_data_storage_units=1"])
    tq.init(config.transfer_queue)
    try:
        keys = [f"u0_{session}_0" for session in range(3)]
        rows = [trajectory(length, reward) for length, reward in ((3, 0.5), (2, NAN), (4, 0.7))]
        tags = [{"status": "success"}] * len(rows)
        tq.kv_batch_put(keys=keys, partition_id="train", fields=list_of_dict_to_tensordict(rows), tags=tags)
        meta = KVBatchMeta(partition_id="train", keys=keys, tags=tags)
        PPOTrainer._compute_advantage(SimpleNamespace(config=config), meta, {})
        after = tq.kv_batch_get(keys=keys, partition_id="train")
        low, _, high = standardised([0.5, None, 0.7])
        assert [rows.tolist() for rows in after["response_mask"].unbind()] == [[1, 1, 1], [0, 0], [1, 1, 1, 1]]
        advantages = [rows.tolist() for rows in after["advantages"].unbind()]
        assert advantages == [pytest.approx([low] * 3, abs=1e-6), [0.0, 0.0], pytest.approx([high] * 4, abs=1e-6)]
    finally:
        tq.close()


def trajectory(length: int, reward: float) -> dict[str, Any]:
    scores = torch.zeros(length)
    scores[-1] = reward
    zeros = torch.zeros(length)
    mask = torch.ones(length, dtype=torch.int64)
    return {"uid": "u0", "response_mask": mask, "rm_scores": scores, "rollout_log_probs": zeros, "old_log_probs": zeros}


def test_an_unscored_rollout_changes_neither_verls_gspo_loss_nor_its_gradient() -> None:
    with initialize_config_module("verl.trainer.config", version_base=None):
        composed = compose("ppo_trainer", ["model_engine=megatron", "actor_rollout_ref.actor.use_dynamic_bsz=true"])
    actor = omega_conf_to_dataclass(composed.actor_rollout_ref.actor)

    def loss(rewards: list[float], rows: slice) -> tuple[float, list[float]]:
        token_level, mask = batch(rewards, [3, 2, 4][rows])
        uids = np.array(["a"] * len(rewards))
        advantages, _ = get_adv_estimator_fn("crpo")(token_level, mask, index=uids, config=None)
        old = torch.full((3, 4), -1.0)[rows]
        policy = (old + torch.tensor([[0.1], [5.0], [-0.2]])[rows]).requires_grad_()
        value, _ = compute_policy_loss_gspo(
            old, policy, advantages, mask, loss_agg_mode="seq-mean-token-mean", config=actor
        )
        value.backward()
        assert policy.grad is not None
        return float(value.detach()), policy.grad[[0, -1]].flatten().tolist()

    with_it, without = loss([0.5, NAN, 0.7], slice(0, 3)), loss([0.5, 0.7], slice(0, 3, 2))
    assert with_it[0] == pytest.approx(without[0], abs=1e-6)
    assert with_it[1] == pytest.approx(without[1], abs=1e-6)
    assert agg_loss(torch.ones(2, 2), torch.tensor([[1, 1], [0, 0]]), "seq-mean-token-mean") == pytest.approx(1.0)
