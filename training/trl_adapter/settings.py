"""Configurations of the TRL adapters: TOML, typed by ``type``, importable without torch. Unknown keys are refused.

Invariant: what is not in the file has the default written here, and the resolved whole goes into the run's folder.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

T = TypeVar("T")


class SettingsError(ValueError):
    """A configuration cannot be used; the message names the file, the key and what is wrong."""


class Strict(BaseModel):
    """Base of every configuration: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(Strict):
    """Low-rank adapters on attention, and on the experts, which are 3-D parameters and need naming.

    A gate (router) is never adapted: it would decide otherwise in sampling than in training.
    """

    rank: int = Field(gt=0)
    alpha: int = Field(gt=0)
    modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    expert_parameters: tuple[str, ...] = ()


class Recipe(Strict):
    """What every method needs. Sizes are per process; ``steps`` are optimiser steps.

    ``model`` is a folder or a hub's name. ``tracking`` names where metrics also go: ``none`` keeps them in the folder.
    """

    seed: int
    model: str
    data: Path
    held_out: Path | None = None
    steps: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(default=0, ge=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    rows_per_device: int = Field(gt=0)
    accumulate: int = Field(default=1, gt=0)
    processes: int = Field(default=1, gt=0)
    checkpoint_every_steps: int = Field(gt=0)
    log_every_steps: int = Field(default=1, gt=0)
    bf16: bool = False
    gradient_checkpointing: bool = False
    router_loss_weight: float = Field(default=0.0, ge=0)
    lora: Lora | None = None
    tracking: Literal["trackio", "wandb", "mlflow", "tensorboard", "none"] = "trackio"


class SftRecipe(Recipe):
    """Supervised training on conversations; the loss is over the assistant's turns only."""

    type: Literal["sft"]
    max_tokens: int = Field(gt=0)
    packing: bool = True


class JudgeRecipe(Recipe):
    """Supervised training of a judge on labels: one verdict, yes or no, in the service's own verdict prompt."""

    type: Literal["judge"]
    prompts: Literal["compact", "full"] = "full"
    max_tokens: int = Field(gt=0)
    packing: bool = True


class EngineJudge(Strict):
    """A judge behind engines; ``concurrent`` requests over all of them, each with ``timeout_seconds`` and retries."""

    type: Literal["engine"] = "engine"
    urls: tuple[str, ...] = Field(min_length=1)
    model: str
    prompts: Literal["compact", "full"] = "full"
    concurrent: int = Field(default=32, gt=0)
    timeout_seconds: float = Field(default=60.0, gt=0)
    retries: int = Field(default=3, ge=0)
    threshold: float = Field(default=0.5, gt=0, lt=1)


class ExactJudge(Strict):
    """The miniclinic's scorer as the judge. ``noise`` is the deviation of its readings, ``position`` its bias."""

    type: Literal["miniclinic"] = "miniclinic"
    noise: float = Field(default=0.0, ge=0)
    position: float = Field(default=0.0, ge=0)


Judge = Annotated[EngineJudge | ExactJudge, Field(discriminator="type")]


class Rollouts(Recipe):
    """Reinforcement on groups of rollouts. A step takes ``prompts_per_step`` x ``group`` rollouts over all processes.

    ``importance`` is the ratio's unit: ``token`` (GRPO) or ``sequence`` (GSPO, for mixtures of experts).
    ``beta`` weighs the KL from the starting model. ``engine`` is where vLLM samples; ``transformers`` samples in place.
    """

    group: int = Field(ge=2)
    prompts_per_step: int = Field(gt=0)
    max_prompt_tokens: int = Field(gt=0)
    max_answer_tokens: int = Field(gt=0)
    temperature: float = Field(default=1.0, gt=0)
    advantages: Literal["standardised", "mean_only", "leave_one_out"] = "standardised"
    importance: Literal["token", "sequence"] = "token"
    clip_low: float | None = Field(default=None, gt=0, lt=1)
    clip_high: float | None = Field(default=None, gt=0)
    beta: float = Field(default=0.0, ge=0)
    updates_per_rollout: int = Field(default=1, gt=0)
    engine: Literal["transformers", "vllm_colocate", "vllm_server"] = "transformers"
    engine_memory_share: float = Field(default=0.3, gt=0, lt=1)
    engine_tensor_parallel: int = Field(default=1, gt=0)
    engine_url: str | None = None
    buffer_tokens: int = Field(gt=0)
    repetition_weight: float = Field(default=1.0, ge=0)
    length_weight: float = Field(default=1.0, ge=0)
    judge: Judge

    @model_validator(mode="after")
    def _whole_groups(self) -> "Rollouts":
        rollouts, rows = self.group * self.prompts_per_step, self.rows_per_device * self.accumulate * self.processes
        if rollouts != rows:
            raise ValueError(
                f"{self.prompts_per_step} prompts of {self.group} rollouts are {rollouts}, but rows_per_device x "
                f"accumulate x processes is {rows}"
            )
        if (self.rows_per_device * self.accumulate) % self.group:
            raise ValueError("rows_per_device x accumulate must hold whole groups, or one straddles two processes")
        if self.checkpoint_every_steps % self.updates_per_rollout:
            raise ValueError(
                "checkpoint_every_steps must be a multiple of updates_per_rollout, or rollouts are drawn anew"
            )
        if self.buffer_tokens > self.max_answer_tokens:
            raise ValueError(f"buffer_tokens {self.buffer_tokens} exceeds max_answer_tokens {self.max_answer_tokens}")
        if (self.engine == "vllm_server") != (self.engine_url is not None):
            raise ValueError("engine_url belongs to the engine vllm_server, which needs one")
        return self


class GrpoRecipe(Rollouts):
    """Rubric reward: each criterion is judged by itself. ``data`` holds questions with rubrics."""

    type: Literal["grpo"]


class CrpoRecipe(Rollouts):
    """Comparison reward (PulseMind), or its baseline arm, absolute scores.

    ``counterparts`` holds each prompt's fixed answers (by ``prompt_id``); ``refresh`` lets an answer of the policy take
    the place of one that all rollouts beat. ``pairs``: with the counterparts, or within the group.
    """

    type: Literal["crpo"]
    arm: Literal["comparisons", "absolute"] = "comparisons"
    pairs: Literal["counterparts", "group"] = "counterparts"
    counterparts: Path | None = None
    half_ties: bool = False
    refresh: bool = False

    @model_validator(mode="after")
    def _has_counterparts(self) -> "CrpoRecipe":
        needed = self.arm == "comparisons" and self.pairs == "counterparts"
        if needed != (self.counterparts is not None):
            raise ValueError("counterparts are needed for comparisons with counterparts, and for nothing else")
        if self.refresh and not needed:
            raise ValueError("refresh needs counterparts")
        return self


AnyRecipe = Annotated[SftRecipe | JudgeRecipe | GrpoRecipe | CrpoRecipe, Field(discriminator="type")]
_RECIPES: TypeAdapter[AnyRecipe] = TypeAdapter(AnyRecipe)


def load_recipe(path: Path) -> AnyRecipe:
    """Read one TOML file. Relative paths in it count from the working directory. Raises ``SettingsError``."""
    return read_toml(path, _RECIPES.validate_python)


def read_toml(path: Path, validate: Callable[[object], T]) -> T:
    """Read one TOML file as ``validate`` has it. Raises ``SettingsError``."""
    try:
        return validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        faults = ("{}: {}".format(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
        raise SettingsError(f"{path}: {'; '.join(faults)}") from error
