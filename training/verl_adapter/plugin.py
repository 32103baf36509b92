"""What verl imports in every one of its processes (VERL_USE_EXTERNAL_MODULES=training.verl_adapter.plugin).

Invariant: importing this module is what makes the names ``crpo``, ``rubric_grpo`` and ``group_judge`` known to verl.
CRPO and rubric GRPO differ in their rewards; their advantages are the same.
"""

from verl.experimental.reward_loop.reward_manager import register
from verl.trainer.ppo.core_algos import register_adv_est

from training.verl_adapter.estimator import rubric_advantages
from training.verl_adapter.reward_manager import GroupRewardManager

register_adv_est("crpo")(rubric_advantages)
register_adv_est("rubric_grpo")(rubric_advantages)
register("group_judge")(GroupRewardManager)
