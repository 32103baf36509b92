"""Training configurations: TOML files, typed, importable without torch. Unknown keys are refused."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from training.scratch.tree import TASKS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelShape(_Strict):
    """The shape of a Qwen3-MoE made from scratch."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    num_experts: int
    num_experts_per_tok: int
    moe_intermediate_size: int
    max_position_embeddings: int = 2048


class SftConfig(_Strict):
    """Supervised training on tree-packed rows. ``rows_per_step`` is over all processes.

    ``start_from`` names a finished run whose model and tokenizer this one goes on with; without it, weights are random.
    ``omission`` scales how often the drafts that the model learns from leave out what is required. ``confusion`` is the
    share of rows whose draft mistakes circumstances: read and judged, but not learnt.
    """

    seed: int
    start_from: Path | None = None
    omission: float = Field(default=1.0, ge=0, le=1.5)
    confusion: float = Field(default=0.0, ge=0, le=1)
    cases: int = Field(gt=0)
    first_case: int = 0
    vocabulary: int = Field(ge=512)
    steps: int = Field(gt=0)
    rows_per_step: int = Field(gt=0)
    processes: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    muon_learning_rate: float = Field(ge=0)
    warmup_steps: int
    weight_decay: float
    router_loss_weight: float
    checkpoint_every_steps: int
    log_every_steps: int
    model: ModelShape
    task_weights: dict[str, float]

    def weights(self) -> tuple[float, ...]:
        """Return the loss weight of each task in the order of ``TASKS``."""
        return tuple(self.task_weights[task] for task in TASKS)


def load_sft_config(path: Path) -> SftConfig:
    """Read one TOML file. Raises pydantic's ``ValidationError`` naming the field at fault."""
    config = SftConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    if set(config.task_weights) != set(TASKS):
        raise ValueError(f"{path.name}: task_weights must name {', '.join(TASKS)}")
    return config
