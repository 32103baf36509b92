"""Every launch configuration, composed with verl's own tree: no key that verl does not have, and verl's own checks."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir, initialize_config_module
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass, validate_config

from training.verl_adapter.settings import read_judging

CONFIGS = Path(__file__).parents[4] / "training" / "configs" / "verl"
RUNS = [path.stem for path in sorted(CONFIGS.glob("*-*x8.yaml"))]
METHODS = [path.stem for path in sorted((CONFIGS / "method").glob("*.yaml"))]
OURS = ("judging",)
# Dictionaries that verl hands on to others: the names in them are Megatron's, or those of environment variables.
HANDED_ON = (
    "actor_rollout_ref.actor.megatron.override_transformer_config",
    "actor_rollout_ref.actor.optim.override_optimizer_config",
    "ray_kwargs.ray_init.runtime_env.env_vars",
)


def composed(name: str, method: str, *overrides: str) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base=None):
        return compose(name, [f"method={method}", "judging.judge.urls=[http://judge]", *overrides])


def keys(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict) or not value:
        return {prefix}
    return {found for name, inner in value.items() for found in keys(inner, f"{prefix}.{name}" if prefix else name)}


def own_keys(*names: str) -> set[str]:
    loaded = [OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{name}.yaml")) for name in names]
    return set().union(*(keys({k: v for k, v in one.items() if k not in ("defaults", "hydra")}) for one in loaded))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RUNS)
def test_verl_has_every_key(name: str, method: str) -> None:
    with initialize_config_module("verl.trainer.config", version_base=None):
        base = OmegaConf.to_container(compose("ppo_trainer", ["model_engine=megatron"]))
    known = keys(base)
    given = own_keys("shared", name.rpartition("-")[0], name, f"method/{method}")
    free = {key for key in given if key.startswith(tuple(f"{place}." for place in (*OURS, *HANDED_ON)))}
    whole = {key for key in given if any(other.startswith(f"{key}.") for other in known)}
    assert given - free - known - whole == set()


def test_a_key_that_verl_has_not_is_found() -> None:
    with pytest.raises(ConfigCompositionException, match=r"Could not override 'trainer\.node'"):
        composed(RUNS[0], METHODS[0], "trainer.node=3")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RUNS)
def test_verl_and_we_accept_every_run(name: str, method: str) -> None:
    config = composed(name, method)
    validate_config(config, need_reference_policy(config), need_critic(config))
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    judging = read_judging(resolved)
    judging.guards(resolved["data"]["max_response_length"])
    assert judging.method == method
    assert str(judging.rollouts) == f"runs/verl/{name}-{method}/rollouts.jsonl"
    actor, rollout = config.actor_rollout_ref.actor, omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
    assert (config.model_engine, actor.strategy, rollout.name) == ("megatron", "megatron", "vllm")
    assert (need_critic(config), need_reference_policy(config)) == (False, False)
    moe = "a3b" in name
    assert rollout.enable_rollout_routing_replay is moe
    assert actor.megatron.router_replay.mode == ("R3" if moe else "disabled")
    assert actor.policy_loss.loss_mode == ("gspo" if moe else "vanilla")
    environment = resolved["ray_kwargs"]["ray_init"]["runtime_env"]["env_vars"]
    assert environment == {"VERL_USE_EXTERNAL_MODULES": "training.verl_adapter.plugin"}
