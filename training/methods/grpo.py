"""GRPO's loss: the clipped surrogate of each token's own ratio, exp(log policy - log old), less beta x KL.

Averaged per ``sequence``: over tokens, then over answers (as published, arXiv 2402.03300); per ``token``: over all
tokens of the group (DAPO, arXiv 2503.14476); by a ``constant``: sum over G x max_tokens (Dr. GRPO, arXiv 2503.20783).
"""

from typing import Literal

import numpy as np

from training.methods.loss import LossInputs, LossOutputs, loss_outputs
from training.methods.surrogate import Array, Clip, is_cut_off, surrogate

CLIP = Clip(0.2, 0.2)

Per = Literal["sequence", "token", "constant"]


def token_ratios(inputs: LossInputs) -> Array:
    """Return the importance ratios, shape (_G, _T); 1 where masked."""
    ratio_GT: Array = np.exp(inputs.logp_GT - inputs.old_logp_GT)
    return ratio_GT


def weights(inputs: LossInputs, per: Per, max_tokens: int | None = None) -> Array:
    """Return each token's weight in the loss, shape (_G, _T); they add up to 1, or to less by a ``constant``.

    Raises ``ValueError`` for a ``constant`` without ``max_tokens``, the limit of an answer, or with a longer answer.
    """
    mask_GT, tokens_G = inputs.mask_GT.astype(np.float64), inputs.tokens_G
    if per == "sequence":
        divisor_G1 = tokens_G[:, None] * len(tokens_G)
    elif per == "token":
        divisor_G1 = np.full((len(tokens_G), 1), tokens_G.sum())
    elif max_tokens is None or tokens_G.max() > max_tokens:
        raise ValueError(f"an answer of {tokens_G.max():.0f} tokens under a limit of {max_tokens}")
    else:
        divisor_G1 = np.full((len(tokens_G), 1), float(max_tokens * len(tokens_G)))
    weights_GT: Array = mask_GT / divisor_G1
    return weights_GT


def grpo_loss(
    inputs: LossInputs, *, clip: Clip = CLIP, beta: float = 0.0, per: Per = "sequence", max_tokens: int | None = None
) -> LossOutputs:
    """Return the loss of one group; ``beta`` weighs the KL. Raises ``ValueError``: see `weights`, `loss_outputs`."""
    ratio_GT, advantages_G1 = token_ratios(inputs), inputs.advantages_G[:, None]
    weights_GT = weights(inputs, per, max_tokens)
    gain = float((weights_GT * surrogate(ratio_GT, advantages_G1, clip)).sum())
    kl = float((weights_GT * inputs.kl_GT).sum())
    cut_off_GT = is_cut_off(ratio_GT, advantages_G1, clip) & inputs.mask_GT
    share = float(cut_off_GT.sum() / inputs.tokens_G.sum())
    return loss_outputs(inputs, gain=gain, kl=kl, beta=beta, clipped_share=share)
