"""The small Qwen3-MoE: built from a shape, run on tree-packed batches, saved as vLLM reads it."""

from pathlib import Path

import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3MoeConfig, Qwen3MoeForCausalLM

from training.scratch.batch import Batch
from training.scratch.settings import ModelShape
from training.scratch.tree import TASKS

DEFAULT_TEMPERATURE = 0.7
"""What the engine samples drafts at when a client does not say."""


def build_model(shape: ModelShape, tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen3MoeForCausalLM:
    """Make a model with random weights and tied embeddings."""
    torch.manual_seed(seed)
    config = Qwen3MoeConfig(
        vocab_size=len(tokenizer),
        intermediate_size=shape.moe_intermediate_size * shape.num_experts_per_tok,
        norm_topk_prob=True,
        decoder_sparse_step=1,
        mlp_only_layers=[],
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
        **shape.model_dump(),
    )
    return Qwen3MoeForCausalLM(config)


def task_losses(model: Qwen3MoeForCausalLM, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return per task (summed loss, right predictions, trained tokens).

    Shapes: each of length ``len(TASKS)``.
    """
    hidden = model.model(
        input_ids=batch.ids_BL,
        attention_mask=batch.mask_B1LL,
        position_ids=batch.positions_BL,
        use_cache=False,
    ).last_hidden_state
    logits_TV = model.lm_head(hidden.flatten(0, 1)[batch.source_T])
    loss_T = functional.cross_entropy(logits_TV.float(), batch.target_T, reduction="none")
    right_T = (logits_TV.argmax(-1) == batch.target_T).float()
    zeros = torch.zeros(len(TASKS))
    return (
        zeros.index_add(0, batch.task_T, loss_T),
        zeros.index_add(0, batch.task_T, right_T),
        zeros.index_add(0, batch.task_T, torch.ones_like(right_T)),
    )


class RouterBalance:
    """Collects router logits during a forward pass and gives the Switch-style load-balancing loss.

    Source: Fedus et al. 2021, equation 4: experts x sum over experts of (share routed x mean probability).
    """

    def __init__(self, model: Qwen3MoeForCausalLM) -> None:
        self._experts = model.config.num_experts
        self._top_k = model.config.num_experts_per_tok
        self._inputs: list[tuple[torch.nn.Module, torch.Tensor]] = []
        for layer in model.model.layers:
            layer.mlp.gate.register_forward_pre_hook(self._keep)

    def _keep(self, gate: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if torch.is_grad_enabled():
            self._inputs.append((gate, inputs[0]))

    def loss(self) -> torch.Tensor:
        """Return the mean over layers, and forget what was collected."""
        losses = []
        for gate, hidden in self._inputs:
            probabilities = functional.linear(hidden.reshape(-1, hidden.shape[-1]), gate.weight).softmax(-1)
            chosen = probabilities.topk(self._top_k, -1).indices
            share = functional.one_hot(chosen, self._experts).float().sum(1).mean(0) / self._top_k
            losses.append(self._experts * (share * probabilities.mean(0)).sum())
        self._inputs.clear()
        return torch.stack(losses).mean()


def load_weights(model: Qwen3MoeForCausalLM, path: Path) -> None:
    """Take over the weights of a finished checkpoint of the same shape, experts included."""
    finished = Qwen3MoeForCausalLM.from_pretrained(path, dtype=torch.float32)
    model.load_state_dict(finished.state_dict())


def save_checkpoint(model: Qwen3MoeForCausalLM, tokenizer: PreTrainedTokenizerFast, path: Path) -> None:
    """Write safetensors, tokenizer and configuration so that vLLM loads the folder as it is."""
    path.mkdir(parents=True, exist_ok=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.do_sample = True
    model.generation_config.temperature = DEFAULT_TEMPERATURE
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
